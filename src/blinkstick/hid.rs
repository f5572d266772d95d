//! Sticks as the kernel shows them: hidraw, through hidapi's Linux back end.

use crate::model::{Model, PRODUCT, VENDOR};
use crate::port::{Finder, Found, OpenError, Port, PortError};
use hidapi::{HidApi, HidDevice, HidError};
use std::ffi::CString;
use std::time::{Duration, Instant};

/// What hidapi's error texts hold once the stick is unplugged: the name and the words of ENODEV.
const GONE: [&str; 2] = ["ENODEV", "No such device"];
/// What they hold when the file may not be opened: the names and the words of EACCES and EPERM.
const DENIED: [&str; 4] = ["EACCES", "EPERM", "Permission denied", "not permitted"];

/// The kernel's sticks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hid;

struct HidPort {
    device: HidDevice,
    born: Instant,
}

impl Finder for Hid {
    fn find(&self) -> Result<Vec<Found>, String> {
        let api = HidApi::new().map_err(|e| e.to_string())?;
        let mut found: Vec<Found> = api
            .device_list()
            .filter(|about| about.vendor_id() == VENDOR && about.product_id() == PRODUCT)
            .map(|about| {
                let serial = about.serial_number().unwrap_or_default().to_owned();
                let product = about.product_string().unwrap_or_default();
                let model = Model::identify(&serial, about.release_number(), product);
                Found { place: about.path().to_string_lossy().into_owned(), serial, model }
            })
            .collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn open(&self, found: &Found) -> Result<Box<dyn Port>, OpenError> {
        let failed = |why: String| OpenError::Failed { place: found.place.clone(), why };
        let api = HidApi::new().map_err(|e| failed(e.to_string()))?;
        let path = CString::new(found.place.as_str()).map_err(|e| failed(e.to_string()))?;
        let device = api.open_path(&path).map_err(|e| {
            let why = e.to_string();
            if DENIED.iter().any(|mark| why.contains(mark)) {
                OpenError::Denied(found.place.clone())
            } else {
                failed(why)
            }
        })?;
        Ok(Box::new(HidPort { device, born: Instant::now() }))
    }
}

impl Port for HidPort {
    fn set(&mut self, report: &[u8]) -> Result<(), PortError> {
        self.device.send_feature_report(report).map_err(|e| read(&e))
    }

    fn get(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        self.device.get_feature_report(buffer).map_err(|e| read(&e))
    }

    fn now(&self) -> Duration {
        self.born.elapsed()
    }

    fn wait(&mut self, span: Duration) {
        std::thread::sleep(span);
    }
}

fn read(error: &HidError) -> PortError {
    let why = error.to_string();
    if GONE.iter().any(|mark| why.contains(mark)) { PortError::Gone } else { PortError::Failed(why) }
}
