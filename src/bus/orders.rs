//! Orders to a device and what came of them as they go to another node: JSON, in structs of their own.

use crate::{AskError, DeviceDone, DeviceOrder, DeviceStep, DeviceWish, SAY_LIMIT, SHOW_LIMIT};
use p7_core::vocabulary::Millis;
use serde::{Deserialize, Serialize};

/// Longest colour, in bytes: the longest name of CSS has 20.
const COLOUR_LIMIT: usize = 40;

#[derive(Serialize, Deserialize)]
struct OrderV1 {
    device: String,
    wish: WishV1,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WishV1 {
    Show { colour: String, duration_ms: u64 },
    Test {},
    Say { text: String },
}

#[derive(Serialize, Deserialize)]
struct DoneV1 {
    steps: Vec<StepV1>,
}

#[derive(Serialize, Deserialize)]
struct StepV1 {
    says: String,
    duration_ms: u64,
}

impl DeviceOrder {
    /// The order as it goes to another node.
    pub fn to_text(&self) -> String {
        let wish = match &self.wish {
            DeviceWish::Show { colour, span } => WishV1::Show { colour: colour.clone(), duration_ms: span.0 },
            DeviceWish::Test => WishV1::Test {},
            DeviceWish::Say { text } => WishV1::Say { text: text.clone() },
        };
        json(&OrderV1 { device: self.device.clone(), wish })
    }

    /// The order that another node has sent, within the limits of one that is given here.
    ///
    /// # Errors
    /// When it is none, or beyond the limits.
    pub fn of_text(text: &str) -> Result<Self, AskError> {
        let read: OrderV1 = serde_json::from_str(text)
            .map_err(|error| AskError::Invalid(format!("an order that can't be read: {error}")))?;
        let beyond = |what: &str| AskError::Invalid(format!("an order beyond its limits: {what}"));
        let wish = match read.wish {
            WishV1::Show { colour, .. } if colour.len() > COLOUR_LIMIT => return Err(beyond("the colour")),
            WishV1::Show { duration_ms, .. } if duration_ms == 0 || duration_ms > SHOW_LIMIT.0 => {
                return Err(beyond("the duration"));
            }
            WishV1::Show { colour, duration_ms } => DeviceWish::Show { colour, span: Millis(duration_ms) },
            WishV1::Test {} => DeviceWish::Test,
            WishV1::Say { text } if text.trim().is_empty() || text.chars().count() > SAY_LIMIT => {
                return Err(beyond("the text"));
            }
            WishV1::Say { text } => {
                let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
                DeviceWish::Say { text: plain.collect() }
            }
        };
        Ok(Self { device: read.device, wish })
    }
}

impl DeviceDone {
    /// What was begun, as it goes to the node that asked for it.
    pub fn to_text(&self) -> String {
        let step = |step: &DeviceStep| StepV1 { says: step.says.clone(), duration_ms: step.lasts.0 };
        json(&DoneV1 { steps: self.steps.iter().map(step).collect() })
    }

    /// What another node says that it has begun.
    ///
    /// # Errors
    /// When it is nothing of the kind.
    pub fn of_text(text: &str) -> Result<Self, AskError> {
        let read: DoneV1 = serde_json::from_str(text)
            .map_err(|error| AskError::Unavailable(format!("an answer that can't be read: {error}")))?;
        let step = |step: StepV1| DeviceStep { says: step.says, lasts: Millis(step.duration_ms) };
        Ok(Self { steps: read.steps.into_iter().map(step).collect() })
    }
}

/// Plain structs of texts and numbers: there is nothing that could fail.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(wish: DeviceWish) -> DeviceOrder {
        DeviceOrder { device: "shelf".to_owned(), wish }
    }

    #[test]
    fn an_order_arrives_as_it_was_given() {
        for (wish, text) in [
            (
                DeviceWish::Show { colour: "orange".to_owned(), span: Millis(5_000) },
                r#"{"device":"shelf","wish":{"show":{"colour":"orange","duration_ms":5000}}}"#,
            ),
            (DeviceWish::Test, r#"{"device":"shelf","wish":{"test":{}}}"#),
            (DeviceWish::Say { text: "hi".to_owned() }, r#"{"device":"shelf","wish":{"say":{"text":"hi"}}}"#),
        ] {
            assert_eq!(order(wish.clone()).to_text(), text);
            assert_eq!(DeviceOrder::of_text(text), Ok(order(wish)));
        }
    }

    #[test]
    fn an_order_beyond_the_limits_of_this_node_is_refused() {
        let show = |colour: &str, span| order(DeviceWish::Show { colour: colour.to_owned(), span });
        let say = |text: String| order(DeviceWish::Say { text });
        for bad in [
            show("red", Millis(0)),
            show("red", Millis(SHOW_LIMIT.0 + 1)),
            show(&"r".repeat(41), Millis(1)),
            say("x".repeat(SAY_LIMIT + 1)),
            say("\n ".to_owned()),
        ] {
            assert!(matches!(DeviceOrder::of_text(&bad.to_text()), Err(AskError::Invalid(_))), "{bad:?}");
        }
        for text in ["", "{}", r#"{"device":"shelf","wish":{"fly":{}}}"#] {
            assert!(matches!(DeviceOrder::of_text(text), Err(AskError::Invalid(_))), "{text}");
        }
        let said = DeviceOrder::of_text(&say("a\nb\u{1b}c".to_owned()).to_text()).unwrap();
        assert_eq!(said.wish, DeviceWish::Say { text: "a b c".to_owned() });
    }

    #[test]
    fn what_was_begun_comes_back_as_it_was_said() {
        let done = DeviceDone { steps: vec![DeviceStep { says: "red".to_owned(), lasts: Millis(500) }] };
        assert_eq!(done.to_text(), r#"{"steps":[{"says":"red","duration_ms":500}]}"#);
        assert_eq!(DeviceDone::of_text(&done.to_text()), Ok(done));
        assert!(DeviceDone::of_text("{}").is_err());
    }
}
