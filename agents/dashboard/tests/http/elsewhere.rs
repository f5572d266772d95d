//! A played way to other nodes.

use actix::prelude::*;
use p7_bus::{CommandFault, CommandFor, DEVICE_COMMAND};
use serde_json::{Value, json};

/// A way to other nodes: what is said there is done, all else fails in its own way.
pub(crate) struct Elsewhere;

impl Actor for Elsewhere {
    type Context = Context<Self>;
}

impl Handler<CommandFor> for Elsewhere {
    type Result = Result<String, CommandFault>;

    fn handle(&mut self, order: CommandFor, _: &mut Self::Context) -> Self::Result {
        assert_eq!(order.name, DEVICE_COMMAND);
        let order: Value = serde_json::from_str(&order.text).unwrap();
        match (order["device"].as_str().unwrap(), order["wish"]["say"]["text"].as_str()) {
            ("shelf", Some(text)) => {
                Ok(json!({ "steps": [{ "says": format!("shelf says: {text}"), "duration_ms": 0 }] })
                    .to_string())
            }
            ("shelf", None) => Err(CommandFault::Conflict("shelf is a robot".to_owned())),
            ("slow", _) => Err(CommandFault::TimedOut("berlin did not answer within 8 s".to_owned())),
            ("gone", _) => Err(CommandFault::Unavailable("berlin is down".to_owned())),
            ("odd", _) => Err(CommandFault::Invalid("an order that can't be read".to_owned())),
            ("torn", _) => Ok("what?".to_owned()),
            (other, _) => Err(CommandFault::NotFound(format!("there is no device `{other}`"))),
        }
    }
}
