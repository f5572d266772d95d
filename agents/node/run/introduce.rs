//! Who hears whom: the one place where agents are introduced to each other.

use super::node::{Node, deliver};
use actix::prelude::*;
use p7_aggregator::{Connect, Listeners};
use p7_core::mesh::words::Configuration;
use p7_dashboard::Dashboard;
use std::sync::Arc;
use tokio::sync::mpsc;

impl Node {
    /// Introduces them. Newer shared configurations go to `known`.
    pub(super) fn introduce(&self, known: mpsc::Sender<Arc<Configuration>>) {
        let dashboard: &Addr<Dashboard> = &self.dashboard.address;
        let publisher = &self.voice.publisher;
        let deployments = &self.deployments;
        let member = self.joined.as_ref().map(|joined| &joined.member);
        deliver(
            &self.aggregator,
            Connect(Listeners {
                heard: vec![
                    dashboard.clone().recipient(),
                    publisher.clone().recipient(),
                    deployments.clone().recipient(),
                    self.devices.clone().recipient(),
                    self.notifier.clone().recipient(),
                    self.persona.clone().recipient(),
                ],
                snapshots: vec![
                    dashboard.clone().recipient(),
                    publisher.clone().recipient(),
                    deployments.clone().recipient(),
                    self.devices.clone().recipient(),
                    self.notifier.clone().recipient(),
                    self.persona.clone().recipient(),
                ],
                incidents: vec![
                    dashboard.clone().recipient(),
                    self.notifier.clone().recipient(),
                    self.persona.clone().recipient(),
                ],
                store: vec![dashboard.clone().recipient()],
                network: vec![
                    dashboard.clone().recipient(),
                    publisher.clone().recipient(),
                    self.devices.clone().recipient(),
                ],
                stated: member.map(|member| member.clone().recipient()).into_iter().collect(),
            }),
        );
        let devices: Vec<Recipient<p7_bus::DevicesNoted>> =
            [dashboard.clone().recipient(), self.persona.clone().recipient()]
                .into_iter()
                .chain(member.map(|member| member.clone().recipient()))
                .collect();
        deliver(&self.devices, p7_devices::Connect(p7_devices::Listeners { devices }));
        if let Some(member) = member {
            let listeners = p7_member::Listeners {
                facts: vec![
                    self.aggregator.clone().recipient(),
                    self.notifier.clone().recipient(),
                    self.mailboxes.clone().recipient(),
                ],
                mesh: vec![
                    self.aggregator.clone().recipient(),
                    dashboard.clone().recipient(),
                    publisher.clone().recipient(),
                    deployments.clone().recipient(),
                    self.devices.clone().recipient(),
                    self.notifier.clone().recipient(),
                    self.persona.clone().recipient(),
                    self.mailboxes.clone().recipient(),
                ],
                seats: vec![self.prober.clone().recipient()],
                looks: vec![self.prober.clone().recipient()],
                peers: vec![self.prober.clone().recipient()],
                configurations: Some(known),
                commands: [(p7_bus::DEVICE_COMMAND, self.devices.clone().recipient())].into(),
                correction: Some(super::clock::correct),
            };
            deliver(member, p7_member::Connect(listeners));
        }
    }
}
