//! How claims, entries and texts are made up.

use properties::readers::NOW;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed};
use ready_pool_core::Timestamp;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::claim::{Claim, Init, MAX_EXECUTION_TIMEOUT_SECONDS, WhenEmpty};
use ready_pool_core::create_target::{CreateTarget, MAX_TARGET_SIZE, MAX_TARGET_TAGS};
use ready_pool_core::ids::{ClaimId, GroupName, InstanceId};
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::preferences::{MAX_PREFERENCES, Preferences};
use ready_pool_core::reason::Reason;
use time::{Duration, UtcOffset};

/// The same cases in every run, and no files written.
pub(crate) fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(0x0072_6561_6479),
        ..Config::default()
    }
}

/// What shells, SSM and JSON might trip over.
const FRAGMENTS: [&str; 42] = [
    "'",
    "''",
    "\"",
    "\\",
    "\\'",
    "\n",
    "\r\n",
    "\t",
    " ",
    "  ",
    "$(touch pwned)",
    "`touch pwned`",
    "';touch pwned;'",
    "'$(touch pwned)'",
    "\";touch pwned;\"",
    "\ntouch pwned\n",
    "&& touch pwned",
    "| touch pwned",
    "> pwned",
    "<(touch pwned)",
    "$((x=1))",
    "${IFS}",
    "$HOME",
    "$'\\x41'",
    "!!",
    "%s%n",
    "#",
    "~",
    "*",
    "?",
    "[a-z]",
    "{a,b}",
    "{ {",
    "-n",
    "EOF\n",
    "\u{1}",
    "\u{1b}[2J",
    "\u{7f}",
    "é",
    "āĈ",
    "𝄞\u{202e}",
    "{%",
];

/// A text that may stand in a claim.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        4 => prop::sample::select(FRAGMENTS.as_slice()).prop_map(str::to_owned),
        1 => "[a-z0-9]{1,8}",
        1 => "\\PC{1,8}",
        1 => any::<char>().prop_map(String::from),
    ];
    vec(fragment, 0..12)
        .prop_map(|fragments| fragments.concat())
        .prop_filter("what no text may hold", |text| {
            !text.contains("{{") && !text.contains(['\0', '\u{fffe}', '\u{ffff}'])
        })
}

/// A name of an environment variable that no shell has a meaning for.
pub(crate) fn variable() -> impl Strategy<Value = String> {
    "V[A-Za-z0-9_]{0,20}"
}

pub(crate) fn claim_id() -> impl Strategy<Value = ClaimId> {
    "[A-Za-z0-9._-]{1,64}".prop_map(|id| ClaimId::try_from(id).unwrap())
}

pub(crate) fn group_name() -> impl Strategy<Value = GroupName> {
    "[ -~äß字]{1,255}".prop_map(|name| GroupName::try_from(name).unwrap())
}

pub(crate) fn instance_id() -> impl Strategy<Value = InstanceId> {
    "i-[0-9a-f]{8,17}".prop_map(|id| InstanceId::try_from(id).unwrap())
}

fn create_target() -> impl Strategy<Value = CreateTarget> {
    let tags = btree_map(
        "[ b-qs-z\u{e9}:/]{1,128}",
        "[ -~\u{e9}]{0,256}",
        0..=MAX_TARGET_TAGS,
    );
    (1..=MAX_TARGET_SIZE, tags).prop_map(|(max_size, tags)| CreateTarget { max_size, tags })
}

/// A claim that must be accepted.
pub(crate) fn claim() -> impl Strategy<Value = Claim> {
    let init = (
        vec(text().prop_map(|text| format!(":{text}")), 1..5),
        btree_map(variable(), text(), 0..5),
        option::of("/[ -z]{0,40}"),
        1..=MAX_EXECUTION_TIMEOUT_SECONDS,
    )
        .prop_map(|(commands, environment, working_directory, timeout)| Init {
            commands,
            environment,
            working_directory,
            execution_timeout_seconds: timeout,
        });
    let when_empty = prop_oneof![Just(WhenEmpty::Wait), Just(WhenEmpty::Reject)];
    let before_the_furthest = (
        0_i64..100 * 365 * 24 * 3600,
        -1439_i32..1440,
        0_i64..1_000_000_000,
    );
    let expires_at = before_the_furthest.prop_map(|(seconds, offset, nanoseconds)| {
        let furthest = NOW + Duration::hours(4);
        let offset = UtcOffset::from_whole_seconds(offset * 60).unwrap();
        (furthest - Duration::seconds(seconds) - Duration::nanoseconds(nanoseconds))
            .to_offset(offset)
    });
    let on_init_failure = prop::sample::select(OnInitFailure::ALL.to_vec());
    let attach_when = prop::sample::select(AttachWhen::ALL.to_vec());
    let names = || vec("[a-z0-9.-]{1,64}", 0..=MAX_PREFERENCES);
    let preferences = (names(), names()).prop_map(|(zones, instance_types)| Preferences {
        zones,
        instance_types,
    });
    (
        claim_id(),
        group_name(),
        init,
        when_empty,
        preferences,
        on_init_failure,
        any::<Option<bool>>(),
        option::of(create_target()),
        attach_when,
        any::<bool>(),
        expires_at,
    )
        .prop_map(
            |(
                claim_id,
                target_group,
                init,
                when_empty,
                preferences,
                on_init_failure,
                protect,
                create_target,
                attach_when,
                dry_run,
                expires_at,
            )| Claim {
                claim_id,
                target_group,
                init,
                when_empty,
                preferences,
                on_init_failure,
                protect,
                create_target,
                attach_when,
                dry_run,
                expires_at,
            },
        )
}

/// Any moment that a message or a tag can name.
pub(crate) fn moment() -> impl Strategy<Value = Timestamp> {
    let extremes = vec![
        time::macros::datetime!(0000-01-01 00:00 +23:59),
        time::macros::datetime!(0000-01-01 00:00 -23:59),
        time::macros::datetime!(9999-12-31 23:59:59.999_999_999 +23:59),
        time::macros::datetime!(9999-12-31 23:59:59.999_999_999 -23:59),
        time::macros::datetime!(1970-01-01 00:00 UTC),
    ];
    let seconds = -62_167_100_000_i64..253_402_200_000;
    prop_oneof![
        1 => prop::sample::select(extremes),
        4 => (seconds, 0_i64..1_000_000_000, -1439_i32..1440).prop_map(|(seconds, nanoseconds, offset)| {
            let offset = UtcOffset::from_whole_seconds(offset * 60).unwrap();
            let moment = Timestamp::from_unix_timestamp(seconds).unwrap() + Duration::nanoseconds(nanoseconds);
            moment.replace_offset(offset)
        }),
    ]
}

/// Why a claim that has an entry can have failed.
const REASONS: [Reason; 11] = [
    Reason::Expired,
    Reason::AttemptsExhausted,
    Reason::ScriptFailed,
    Reason::ScriptTimedOut,
    Reason::NotDelivered,
    Reason::Cancelled,
    Reason::InstanceLost,
    Reason::TargetRefused,
    Reason::TargetSuspended,
    Reason::PoolEmpty,
    Reason::Other,
];

/// Any entry that can be written.
pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    let reasons: Vec<Standing> = REASONS.map(Standing::Failed).to_vec();
    let standing = prop_oneof![
        Just(Standing::Assigned),
        Just(Standing::Ready),
        prop::sample::select(reasons),
    ];
    let instances = (option::of(instance_id()), option::of(instance_id()));
    (instances, any::<u8>(), standing, moment()).prop_map(
        |((instance, failed), attempt, standing, expires_at)| {
            let waits = instance.is_none() && standing == Standing::Assigned;
            Entry {
                instance,
                attempt,
                standing,
                expires_at,
                instead_of: failed.filter(|_| waits),
            }
        },
    )
}
