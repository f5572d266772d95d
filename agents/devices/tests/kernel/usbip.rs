//! The kernel's virtual USB socket: a unit is plugged in and pulled out, and a thread plays it, in the words
//! of the USB/IP protocol.

use crate::become_root;
use crate::usb::{Answer, Unit};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

const SOCKETS: &str = "/sys/devices/platform/vhci_hcd.0";
/// The kernel's number for low speed.
const LOW_SPEED: u8 = 1;
/// What the kernel calls a transfer that was taken back.
const ECONNRESET: i32 = 104;
const SUBMIT: u32 = 1;
const UNLINK: u32 = 2;
const SUBMITTED: u32 = 3;
const UNLINKED: u32 = 4;
const HEADER_BYTES: usize = 48;

/// A unit that is plugged in.
pub(crate) struct Plugged {
    port: String,
    played: Option<JoinHandle<()>>,
}

impl Plugged {
    /// Plugs it into the first socket that is free.
    pub(crate) fn new(unit: &Unit) -> Self {
        let status = fs::read_to_string(format!("{SOCKETS}/status"))
            .expect("no vhci_hcd here; scripts/test-blinkstick brings a kernel that has it");
        // hub, port, state (4 is free), and what is of no use here
        let free = status.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let free = free.filter(|line| line.len() > 2 && line[0] == "hs" && line[2] == "004");
        let port = free.map(|line| line[1].trim_start_matches('0').to_owned()).next().unwrap();
        let port = if port.is_empty() { "0".to_owned() } else { port };
        let (ours, theirs) = UnixStream::pair().unwrap();
        unit.stick.state().unplugged = false;
        let wish = format!("{port} {} 1 {LOW_SPEED}", theirs.as_raw_fd());
        fs::write(format!("{SOCKETS}/attach"), wish).unwrap();
        let unit = unit.clone();
        let played = std::thread::spawn(move || {
            let ended = play(&unit, ours).unwrap_err();
            unit.stick.state().unplugged = true;
            assert_eq!(ended.kind(), io::ErrorKind::UnexpectedEof, "{ended}");
        });
        Self { port, played: Some(played) }
    }
}

impl Drop for Plugged {
    /// Pulls it out.
    fn drop(&mut self) {
        become_root();
        fs::write(format!("{SOCKETS}/detach"), &self.port).unwrap();
        let played = self.played.take().unwrap().join();
        assert!(played.is_ok() || std::thread::panicking(), "the unit's thread panicked");
    }
}

/// Answers the host until it hangs up.
fn play(unit: &Unit, mut socket: UnixStream) -> io::Result<()> {
    let mut silent = BTreeSet::new();
    loop {
        let mut header = [0; HEADER_BYTES];
        socket.read_exact(&mut header)?;
        let word = |at: usize| u32::from_be_bytes(*header[at..].first_chunk().unwrap());
        let (command, number, is_in, endpoint) = (word(0), word(4), word(12) == 1, word(16));
        if command == UNLINK {
            let status = if silent.remove(&word(20)) { -ECONNRESET } else { 0 };
            socket.write_all(&reply(UNLINKED, number, status, 0))?;
            continue;
        }
        assert_eq!(command, SUBMIT, "the kernel says {header:02x?}");
        let length = usize::try_from(word(24)).unwrap();
        let mut data = vec![0; if is_in { 0 } else { length }];
        socket.read_exact(&mut data)?;
        let answer = match endpoint {
            0 => unit.control(*header[40..].first_chunk().unwrap(), &data),
            // it never has anything to say of itself
            _ => Answer::Silence,
        };
        match answer {
            Answer::Done(bytes) => {
                let passed = if is_in { bytes.len() } else { data.len() };
                let mut answer = reply(SUBMITTED, number, 0, u32::try_from(passed).unwrap());
                answer.extend(bytes);
                socket.write_all(&answer)?;
            }
            Answer::Failed(error) => socket.write_all(&reply(SUBMITTED, number, -error, 0))?,
            Answer::Silence => {
                silent.insert(number);
            }
        }
    }
}

fn reply(command: u32, number: u32, status: i32, length: u32) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    for word in [command, number, 0, 0, 0] {
        header.extend(word.to_be_bytes());
    }
    header.extend(status.to_be_bytes());
    header.extend(length.to_be_bytes());
    header.resize(HEADER_BYTES, 0);
    header
}
