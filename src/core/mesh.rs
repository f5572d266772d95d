//! The mesh, pure: who is there, who leads, what everybody knows, who tests what. Everything but the
//! transport: see [`words`] for its words, and [`machine`] for how the parts work together.

pub mod look;
pub mod machine;
pub mod rules;
pub mod view;
pub mod words;
