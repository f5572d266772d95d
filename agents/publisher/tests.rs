//! The publisher against real places: folders, S3 as moto speaks it, Azure Blob as azurite does.

mod agent;
mod azure;
mod cost;
mod fencing;
mod folder;
mod peers;
mod s3;
mod site;
mod support;
