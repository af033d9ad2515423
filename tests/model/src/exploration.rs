//! Explores a configuration whole: the invariants in every state, and whether a good end can be
//! reached from everywhere once nothing goes wrong any more.
//!
//! `stateright`'s own `eventually` misses counterexamples on cycles, and its checkers do not hand out
//! the graph. Here the graph is kept, and a pass backwards from the good ends along the regular
//! actions must meet every state. The properties are checked on the way; that `stateright` comes to the
//! same numbers is a test.

use crate::hashing::{Fixed, fingerprint};
use crate::protocol::Protocol;
use crate::state::State;
use crate::step::Action;
use stateright::{Expectation, Model, Property};
use std::collections::{HashMap, VecDeque};

/// How a state comes about.
pub type Trace = Vec<Action>;

/// What the exploration found.
#[derive(Debug)]
pub struct Explored {
    /// States.
    pub states: usize,
    /// Actions between them.
    pub actions: usize,
    /// Good ends.
    pub good_ends: usize,
    /// Invariants that a state breaks, with the shortest way there.
    pub violated: Vec<(&'static str, Trace)>,
    /// Situations that never came up.
    pub never_seen: Vec<&'static str>,
    /// States that no good end can be reached from.
    pub stuck: usize,
    /// The first of them.
    pub first_stuck: Option<Trace>,
}

/// There are more states than were allowed for.
#[derive(Debug)]
pub struct TooLarge;

/// Explores everything, unless there are more than `bound` states: what was seen until then would
/// prove nothing.
pub fn explore(model: &Protocol, bound: usize) -> Result<Explored, TooLarge> {
    explore_and_say(model, bound, |_| {})
}

/// How far an exploration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoFar {
    /// States that were found.
    pub states: usize,
    /// Of those, the ones whose actions were not tried yet.
    pub open: usize,
}

/// The same, and says how far it is after each state.
pub fn explore_and_say(
    model: &Protocol,
    bound: usize,
    mut say: impl FnMut(SoFar),
) -> Result<Explored, TooLarge> {
    let mut graph = Graph::default();
    let mut findings = Findings::new(model);
    let mut open = VecDeque::new();
    for state in model.init_states() {
        graph.find(&state, 0, None);
        open.push_back((0, state));
    }
    let mut actions = Vec::new();
    while let Some((index, state)) = open.pop_front() {
        findings.look_at(model, index, &state);
        if model.is_good_end(&state) {
            graph.good.push(index);
        }
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            let Some(next) = model.next_state(&state, action) else {
                continue;
            };
            if let Some(fresh) = graph.find(&next, index, Some(action)) {
                open.push_back((fresh, next));
            }
        }
        if graph.parents.len() > bound {
            return Err(TooLarge);
        }
        say(SoFar {
            states: graph.parents.len(),
            open: open.len(),
        });
    }
    let reached = graph.backwards();
    let first_stuck = reached.iter().position(|reached| !reached);
    Ok(Explored {
        states: graph.parents.len(),
        actions: graph.actions,
        good_ends: graph.good.len(),
        violated: findings
            .violated
            .into_iter()
            .map(|(name, index)| (name, graph.retrace(index)))
            .collect(),
        never_seen: findings.unseen,
        stuck: reached.iter().filter(|reached| !**reached).count(),
        first_stuck: first_stuck.map(|index| graph.retrace(u32::try_from(index).unwrap())),
    })
}

/// States as numbers, in the order in which they were found.
#[derive(Default)]
struct Graph {
    known: HashMap<u64, u32, Fixed>,
    /// From where each state was found first.
    parents: Vec<(u32, Option<Action>)>,
    /// Regular actions, backwards.
    regular: Vec<(u32, u32)>,
    good: Vec<u32>,
    actions: usize,
}

impl Graph {
    /// Notes an action; answers the number of its end if that is new.
    fn find(&mut self, state: &State, from: u32, action: Option<Action>) -> Option<u32> {
        let fresh = u32::try_from(self.parents.len()).unwrap();
        let to = *self.known.entry(fingerprint(state)).or_insert(fresh);
        self.actions += usize::from(action.is_some());
        if action.is_some_and(Action::is_regular) {
            self.regular.push((to, from));
        }
        (to == fresh).then(|| {
            self.parents.push((from, action));
            fresh
        })
    }

    /// Which states a good end can be reached from.
    fn backwards(&mut self) -> Vec<bool> {
        self.regular.sort_unstable();
        let mut reached = vec![false; self.parents.len()];
        let mut open = self.good.clone();
        for index in &open {
            reached[*index as usize] = true;
        }
        while let Some(index) = open.pop() {
            let from = self.regular.partition_point(|(to, _)| *to < index);
            let into = self.regular[from..].iter();
            for (_, before) in into.take_while(|(to, _)| *to == index) {
                if !std::mem::replace(&mut reached[*before as usize], true) {
                    open.push(*before);
                }
            }
        }
        reached
    }

    fn retrace(&self, mut index: u32) -> Trace {
        let mut trace = Vec::new();
        while let (parent, Some(action)) = self.parents[index as usize] {
            trace.push(action);
            index = parent;
        }
        trace.reverse();
        trace
    }
}

/// What the properties say.
struct Findings {
    open: Vec<Property<Protocol>>,
    violated: Vec<(&'static str, u32)>,
    unseen: Vec<&'static str>,
}

impl Findings {
    fn new(model: &Protocol) -> Self {
        let open = model.properties();
        Self {
            unseen: open
                .iter()
                .filter(|property| property.expectation == Expectation::Sometimes)
                .map(|property| property.name)
                .collect(),
            open,
            violated: Vec::new(),
        }
    }

    fn look_at(&mut self, model: &Protocol, index: u32, state: &State) {
        self.open.retain(|property| {
            let holds = (property.condition)(model, state);
            match property.expectation {
                Expectation::Always if !holds => self.violated.push((property.name, index)),
                Expectation::Sometimes if holds => {
                    self.unseen.retain(|name| *name != property.name);
                }
                _ => return true,
            }
            false
        });
    }
}
