//! What the API says, in structs of its own: stable, whatever the core's types become.

mod device;
mod history;
mod incident;
mod mesh;
mod node;
mod service;

pub(crate) use device::{DeviceDoneDto, DeviceDto, NodeDeviceDto};
pub(crate) use history::{HistoryDto, PointDto, ResultDto};
pub(crate) use incident::{AcknowledgementDto, DeploymentDto, HoldDto, IncidentDto, ScopeDto};
pub(crate) use mesh::{
    AppliedDto, HoldingDto, LIVENESS, MatrixRowDto, MemberDto, MeshChanged, SharedConfigurationDto, StampDto,
};
pub(crate) use node::{
    ConfigurationChanged, ConfigurationDto, MeshDto, NetworkDto, NodeDto, ReadinessDto, StoreDto,
};
pub(crate) use service::{ServiceChanged, ServiceDetailDto, ServiceDto};

use p7_core::status::Failtage;
use p7_core::vocabulary::{Level, Micros, Outcome};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// Some items, and where to go on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T: ToSchema> {
    /// The items of this page.
    pub(crate) items: Vec<T>,
    /// Give this as `cursor` to get the next page; null when this was the last one. A page may have fewer items
    /// than `limit`, even none, while there are more.
    pub(crate) next_cursor: Option<String>,
}

/// The words of a level, best first.
fn level_words() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Level::ALL.map(Level::as_str)))
}

/// The words of an outcome.
fn outcome_words() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Outcome::ALL.map(Outcome::as_str)))
}

fn percent(failtage: Option<Failtage>) -> Option<f64> {
    failtage.map(Failtage::percent)
}

fn ms(latency: Option<Micros>) -> Option<f64> {
    latency.map(Micros::as_ms)
}
