//! A robot on a socket: a task that connects, connects anew from a fresh port, and does as it is ordered.

mod task;

use crate::board::Board;
use crate::character::{Answer, Manners, SayError};
use crate::clock::LocalTime;
use crate::link::LinkFigures;
use crate::session::About;
use crate::voice::Voice;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Where every Cozmo is, in its own Wi-Fi.
pub const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(172, 31, 1, 1)), 5551);
/// Orders that may wait: boards come at most a few a second.
const ORDERS_LIMIT: usize = 64;
/// How long a robot is given to say goodbye.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
/// Below this voltage the battery is low.
pub const LOW_BATTERY_V: f32 = 3.5;

/// Tells the time of day where the robot stands.
#[derive(Clone)]
pub struct WallClock(pub Arc<dyn Fn() -> LocalTime + Send + Sync>);

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", (self.0)())
    }
}

/// What a robot is to be like.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it is.
    pub address: SocketAddr,
    /// How loud, 0 to 65,535.
    pub volume: u16,
    /// Whose voice.
    pub voice: Voice,
    /// When it keeps quiet.
    pub manners: Manners,
    /// The time of day.
    pub clock: WallClock,
}

/// Where a robot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charger {
    /// Not known yet.
    #[default]
    Unknown,
    /// Not on it.
    Off,
    /// On it, full.
    On,
    /// On it, charging.
    Charging,
}

/// A robot as its node sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct View {
    /// What it is; none while it is not connected.
    pub about: Option<About>,
    /// Why it is not connected, or what else is wrong, in words.
    pub trouble: Option<String>,
    /// Why it is silent, in words; none while it has a voice, as far as is known.
    pub mute: Option<String>,
    /// Its battery in V, to a twentieth; below [`LOW_BATTERY_V`] it is low.
    pub battery_v: Option<f32>,
    /// Where it stands.
    pub charger: Charger,
    /// The last sentence it has begun.
    pub said: Option<String>,
    /// How many it has begun.
    pub sentences: u64,
    /// How many it has not: stale, replaced, forbidden.
    pub unsaid: u64,
    /// How often it was connected.
    pub connections: u64,
    /// What the last link has seen, as of the last change of anything else.
    pub figures: LinkFigures,
}

#[derive(Debug)]
enum Order {
    Show(Arc<Board>),
    Say(String, Answer),
    Test(Answer),
}

/// A robot's handle. Dropping it ends the connection in good order, if the runtime lives on for a second.
#[derive(Debug)]
pub struct Robot {
    orders: mpsc::Sender<Order>,
    view: watch::Receiver<View>,
    task: JoinHandle<()>,
}

impl Robot {
    /// Starts looking for the robot. Needs a tokio runtime around it.
    pub fn start(settings: Settings) -> Self {
        let (orders, taken) = mpsc::channel(ORDERS_LIMIT);
        let (shown, view) = watch::channel(View::default());
        let task = tokio::spawn(task::run(settings, taken, shown));
        Self { orders, view, task }
    }

    /// Shows what the mesh knows; says whether there was room for it. What changed is spoken.
    pub fn show(&self, board: Arc<Board>) -> bool {
        self.orders.try_send(Order::Show(board)).is_ok()
    }

    /// Says something; answers when it begins, or why it does not.
    pub async fn say(&self, text: &str) -> Result<(), SayError> {
        self.order(|answer| Order::Say(text.to_owned(), answer)).await
    }

    /// Walks through what the robot can do: see [`crate::character::TEST_TELLS`].
    pub async fn test(&self) -> Result<(), SayError> {
        self.order(Order::Test).await
    }

    /// What is known about it, now and at each change.
    pub fn view(&self) -> watch::Receiver<View> {
        self.view.clone()
    }

    /// A way to order it from elsewhere, such as another task.
    pub fn handle(&self) -> Handle {
        Handle { orders: self.orders.clone() }
    }

    /// Ends the connection in good order. Handles keep it alive: drop them first.
    pub async fn stop(self) {
        let Self { orders, task, view: _ } = self;
        drop(orders);
        if tokio::time::timeout(STOP_PATIENCE, task).await.is_err() {
            tracing::debug!("the robot did not say goodbye in time");
        }
    }

    async fn order(&self, order: impl FnOnce(Answer) -> Order) -> Result<(), SayError> {
        send(&self.orders, order).await
    }
}

/// A way to have a robot say something from another task.
#[derive(Debug, Clone)]
pub struct Handle {
    orders: mpsc::Sender<Order>,
}

impl Handle {
    /// See [`Robot::say`].
    pub async fn say(&self, text: &str) -> Result<(), SayError> {
        send(&self.orders, |answer| Order::Say(text.to_owned(), answer)).await
    }

    /// See [`Robot::test`].
    pub async fn test(&self) -> Result<(), SayError> {
        send(&self.orders, Order::Test).await
    }
}

async fn send(orders: &mpsc::Sender<Order>, order: impl FnOnce(Answer) -> Order) -> Result<(), SayError> {
    let (answer, heard) = oneshot::channel();
    orders.try_send(order(answer)).map_err(|_full| SayError::Dropped)?;
    heard.await.unwrap_or(Err(SayError::NotConnected))
}
