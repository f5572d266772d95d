//! Sticks as bytes, as models, and as pictures.

mod colours;
mod driving;
mod frames;
mod pictures;
