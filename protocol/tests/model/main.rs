//! The protocol as a model that is checked exhaustively: the real sequencer and the real replay, a relay that stores and
//! posts events, a bus and connections that lose, repeat and reorder messages, and a builder that may die at any step.
//! Every state that a small number of faults can reach is visited. From each of them, a network that works again must
//! bring every follower to the end, with each event delivered once and in order.

mod system;

use std::collections::BTreeSet;

use cargo_cloud_protocol::limits::STRAGGLER_PATIENCE;
use stateright::{Checker, Model, Property};

use crate::system::{FollowerModel, Message, SystemModel, milliseconds};

/// How much of the protocol one check explores.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Numbered events of the build.
    events: u64,
    /// Clients that follow the build.
    followers: usize,
    /// The most faults: messages lost or repeated, connections broken, builders killed, together.
    faults: u8,
    /// How often each client lets time pass before the network works again.
    waits: u8,
}

/// One step of the system; numbers are positions of messages and followers.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Produce,
    Finish,
    KillBuilder,
    Relay(usize),
    RelayTwice(usize),
    Receive(usize, usize),
    Lose(usize, usize),
    ServeResume(usize),
    LoseResume(usize),
    Connect(usize),
    Break(usize),
    FindResult(usize),
    Wait(usize),
}

impl Bounds {
    /// The steps of one follower and its connection.
    fn follower_steps(&self, system: &SystemModel, number: usize, steps: &mut Vec<Step>) {
        let follower = &system.followers[number];
        let faulty = system.faults < self.faults;
        for position in 0..follower.wire.len() {
            steps.push(Step::Receive(number, position));
            if faulty {
                steps.push(Step::Lose(number, position));
            }
        }
        if follower.resume.is_some() {
            steps.push(Step::ServeResume(number));
            if faulty {
                steps.push(Step::LoseResume(number));
            }
        }
        if !follower.connected {
            steps.push(Step::Connect(number));
        } else if faulty {
            steps.push(Step::Break(number));
        }
        if system.result.is_some() && !follower.connected {
            steps.push(Step::FindResult(number));
        }
        if follower.waits < self.waits {
            steps.push(Step::Wait(number));
        }
    }
}

impl Model for Bounds {
    type State = SystemModel;
    type Action = Step;

    fn init_states(&self) -> Vec<SystemModel> {
        vec![SystemModel {
            produced: 0,
            builder_ended: false,
            bus: Vec::new(),
            stored: BTreeSet::new(),
            result: None,
            followers: vec![FollowerModel::new(); self.followers],
            faults: 0,
        }]
    }

    fn actions(&self, system: &SystemModel, steps: &mut Vec<Step>) {
        let faulty = system.faults < self.faults;
        if !system.builder_ended {
            steps.push(if system.produced < self.events { Step::Produce } else { Step::Finish });
            if faulty {
                steps.push(Step::KillBuilder);
            }
        }
        for position in 0..system.bus.len() {
            steps.push(Step::Relay(position));
            if faulty {
                steps.push(Step::RelayTwice(position));
            }
        }
        for number in 0..system.followers.len() {
            if !system.followers[number].done() {
                self.follower_steps(system, number, steps);
            }
        }
    }

    fn next_state(&self, system: &SystemModel, step: Step) -> Option<SystemModel> {
        let mut system = system.clone();
        match step {
            Step::Produce => {
                system.produced += 1;
                system.put_on_bus(Message::Numbered(system.produced));
            }
            Step::Finish => system.finish(),
            Step::KillBuilder => {
                system.faults += 1;
                system.kill_builder();
            }
            Step::Relay(position) => system.relay(position),
            Step::RelayTwice(position) => {
                system.faults += 1;
                let message = system.bus[position];
                system.relay(position);
                system.put_on_bus(message);
            }
            Step::Receive(follower, position) => system.followers[follower].receive(position),
            Step::Lose(follower, position) => {
                system.faults += 1;
                system.followers[follower].wire.remove(position);
            }
            Step::ServeResume(follower) => system.serve_resume(follower),
            Step::LoseResume(follower) => {
                system.faults += 1;
                system.followers[follower].resume = None;
            }
            Step::Connect(follower) => system.followers[follower].connect(),
            Step::Break(follower) => {
                system.faults += 1;
                system.followers[follower].disconnect();
            }
            Step::FindResult(follower) => {
                let result = system.result?.as_result();
                let follower = &mut system.followers[follower];
                let deliveries = follower.sequencer.found(result, follower.now);
                follower.show(deliveries);
            }
            Step::Wait(follower) => {
                system.followers[follower].waits += 1;
                system.followers[follower].wait();
            }
        }
        Some(system)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(
                "each number is shown once, in order, and nothing after the end",
                |_, system: &SystemModel| system.followers.iter().all(FollowerModel::in_order),
            ),
            Property::always(
                "a network that works again brings every follower to the end",
                |bounds: &Bounds, system: &SystemModel| {
                    system.recover(bounds.events).inspect_err(|why| eprintln!("{why}")).is_ok()
                },
            ),
            Property::always("a client waits for missing events before it reads the log", |_, system: &SystemModel| {
                let patience = milliseconds(STRAGGLER_PATIENCE);
                system.followers.iter().all(|follower| follower.lost_at.is_none_or(|at| at >= patience))
            }),
            Property::sometimes("all followers see all events", |bounds: &Bounds, system: &SystemModel| {
                let all = bounds.events + 1;
                system.followers.iter().all(|follower| follower.done() && follower.shown.len() as u64 == all)
            }),
        ];
        // A client waits for missing events before it accepts an incomplete result.
        if self.waits > 0 {
            properties.push(Property::sometimes(
                "a build ends although its builder was killed",
                |_, system: &SystemModel| {
                    system.result.is_some_and(|result| !result.complete)
                        && system.followers.iter().all(FollowerModel::done)
                },
            ));
        }
        properties
    }
}

fn check(bounds: Bounds) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = bounds.checker().threads(threads).spawn_dfs().join();
    println!("{bounds:?}: {} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn one_follower_survives_two_faults() {
    check(Bounds { events: 1, followers: 1, faults: 2, waits: 1 });
}

#[test]
fn one_follower_survives_a_fault_and_passing_time() {
    check(Bounds { events: 2, followers: 1, faults: 1, waits: 1 });
}

#[test]
fn two_followers_survive_a_fault() {
    check(Bounds { events: 1, followers: 2, faults: 1, waits: 0 });
}

#[test]
#[ignore = "takes minutes; run it with `make model`"]
fn four_events_survive_two_faults() {
    check(Bounds { events: 4, followers: 1, faults: 2, waits: 1 });
}

#[test]
#[ignore = "takes minutes; run it with `make model`"]
fn two_followers_survive_a_fault_and_passing_time() {
    check(Bounds { events: 2, followers: 2, faults: 1, waits: 1 });
}
