//! Whether a good end can be reached from everywhere, once nothing goes wrong any more.
//!
//! `stateright`'s own `eventually` misses counterexamples on cycles. Here the whole graph is kept, and a
//! pass backwards from the good ends along the regular actions must meet every state.

use crate::protocol::Protocol;
use crate::state::State;
use crate::step::Action;
use stateright::Model;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What the exploration found.
#[derive(Debug)]
pub struct Liveness {
    /// States.
    pub states: usize,
    /// Actions between them.
    pub actions: usize,
    /// Good ends.
    pub good_ends: usize,
    /// A state that no good end can be reached from, and how it comes about.
    pub stuck: Option<(Vec<Action>, Box<State>)>,
    /// How many of those there are.
    pub stuck_states: usize,
}

/// Explores everything and looks back from the good ends. `None` when there are more than `bound` states.
pub fn check(model: &Protocol, bound: usize) -> Option<Liveness> {
    let mut known: HashMap<u64, u32> = HashMap::new();
    let mut parents: Vec<(u32, Option<Action>)> = Vec::new();
    let mut regular: Vec<(u32, u32)> = Vec::new();
    let mut good: Vec<u32> = Vec::new();
    let mut open: VecDeque<(u32, State)> = VecDeque::new();
    let mut count = 0;
    for state in model.init_states() {
        known.insert(fingerprint(&state), 0);
        parents.push((0, None));
        open.push_back((0, state));
    }
    let mut actions = Vec::new();
    while let Some((index, state)) = open.pop_front() {
        if model.is_good_end(&state) {
            good.push(index);
        }
        actions.clear();
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            let Some(next) = model.next_state(&state, action) else {
                continue;
            };
            count += 1;
            let fresh = u32::try_from(parents.len()).unwrap();
            let to = *known.entry(fingerprint(&next)).or_insert(fresh);
            if to == fresh {
                parents.push((index, Some(action)));
                open.push_back((fresh, next));
            }
            if action.is_regular() {
                regular.push((to, index));
            }
        }
        if parents.len() > bound {
            return None;
        }
    }
    let states = parents.len();
    let reached = backwards(states, &good, &mut regular);
    let first = reached.iter().position(|reached| !reached);
    Some(Liveness {
        states,
        actions: count,
        good_ends: good.len(),
        stuck_states: reached.iter().filter(|reached| !**reached).count(),
        stuck: first.map(|index| retrace(model, &parents, index)),
    })
}

/// A state in one number. Two of a few million states share one with a chance of one in a million.
fn fingerprint(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// Which states a good end can be reached from; `edges` lead backwards.
fn backwards(states: usize, good: &[u32], edges: &mut [(u32, u32)]) -> Vec<bool> {
    edges.sort_unstable();
    let mut reached = vec![false; states];
    let mut open: Vec<u32> = good.to_vec();
    for index in good {
        reached[*index as usize] = true;
    }
    while let Some(index) = open.pop() {
        let from = edges.partition_point(|(to, _)| *to < index);
        for (to, before) in &edges[from..] {
            if *to != index {
                break;
            }
            if !std::mem::replace(&mut reached[*before as usize], true) {
                open.push(*before);
            }
        }
    }
    reached
}

/// How a state comes about.
fn retrace(
    model: &Protocol,
    parents: &[(u32, Option<Action>)],
    mut index: usize,
) -> (Vec<Action>, Box<State>) {
    let mut path = Vec::new();
    while let (parent, Some(action)) = parents[index] {
        path.push(action);
        index = parent as usize;
    }
    path.reverse();
    let mut state = model.init_states().remove(0);
    for action in &path {
        state = model.next_state(&state, *action).unwrap();
    }
    (path, Box::new(state))
}
