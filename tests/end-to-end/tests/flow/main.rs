//! The whole flow, scenario by scenario: the real handlers in the simulated region. One binary, since
//! linking takes longer than most of its tests; `cargo test --test flow poison` runs one module.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "whatever is not as expected must stop the test"
)]

mod attach_when;
mod away;
mod backlog;
mod bad_input;
mod call_counts;
mod call_order;
mod clock;
mod crash_matrix;
mod crowding;
mod dead_agents;
mod empty_pool;
mod error_lines;
mod existing_pool;
mod family;
mod figures;
mod forged;
mod full_scan;
mod gate;
mod hand_over;
mod house;
mod init_command;
mod large_pool;
mod largest;
mod lease;
mod lifecycle;
mod line;
mod machine;
mod made_targets;
mod membership;
mod missing_part;
mod names;
mod normal_path;
mod nothing_ran;
mod opting_out;
mod options;
mod outage;
mod outcomes;
mod overlap;
mod pauses;
mod permissions;
mod poison;
mod protection;
mod random_faults;
mod real_binaries;
mod reasons;
mod rebalancing;
mod refusals;
mod retirement;
mod scale_out;
mod sent_again;
mod sizing;
mod target_tags;
mod template;
mod user_data;
mod warm_pool;
mod zones;
