//! p7-cozmo: the robot Cozmo over its own UDP protocol, without its phone app.
//!
//! `link` and `session` are machines without I/O; `robot` puts them on a socket. What is shown and said is
//! made in `face`, `scene`, `sentence` and `queue`, all pure; `voice` runs espeak-ng.

pub mod board;
pub mod character;
pub mod clock;
pub mod command;
pub mod frame;
pub mod light;
pub mod link;
pub mod picture;
pub mod queue;
pub mod report;
pub mod robot;
pub mod scene;
pub mod sentence;
pub mod session;
pub mod sound;
pub mod voice;
