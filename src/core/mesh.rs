//! The mesh, pure: who is there, who leads, what everybody knows, who tests what. Everything but the
//! transport: see [`words`] for its words, and [`machine`] for how the parts work together.

pub mod assign;
pub mod devices;
pub mod election;
pub mod journal;
pub mod ledger;
pub mod look;
pub mod machine;
pub mod members;
pub mod mesh_time;
pub mod missed;
pub mod mix;
pub mod rules;
pub mod shared;
pub mod view;
pub mod words;
