//! `--timing NAME=DURATION`: one figure of the region's settings, by name.

use region::settings::{Latencies, Settings, Spread, Timings};
use std::str::FromStr;
use std::time::Duration;

/// A figure to set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Override {
    name: &'static str,
    min: Duration,
    max: Duration,
}

/// A figure of the settings: drawn from a spread, or always the same.
enum Figure<'s> {
    Drawn(&'s mut Spread),
    Fixed(&'s mut Duration),
}

/// Every figure under its name. The patterns name every field, so that none is forgotten.
fn figures(settings: &mut Settings) -> Vec<(&'static str, Figure<'_>)> {
    let Timings {
        launch_notice,
        instance_start,
        boot,
        hook_proceed,
        agent_registration,
        user_data,
        detach,
        attach,
        standby,
        terminate,
        stop,
        first_associations,
        agent_restart,
        reboot,
        rebalance_notice,
        health_notice,
        agent_heartbeat,
        agent_lost_after,
        command_pickup,
        command_run,
        command_history_lag,
        queue_to_function,
        event_delivery,
    } = &mut settings.timings;
    let Latencies {
        attach_detach,
        send_command,
        other,
        queue,
    } = &mut settings.latencies;
    vec![
        ("launch-notice", Figure::Drawn(launch_notice)),
        ("instance-start", Figure::Drawn(instance_start)),
        ("boot", Figure::Drawn(boot)),
        ("hook-proceed", Figure::Drawn(hook_proceed)),
        ("agent-registration", Figure::Drawn(agent_registration)),
        ("user-data", Figure::Fixed(user_data)),
        ("detach", Figure::Drawn(detach)),
        ("attach", Figure::Drawn(attach)),
        ("standby", Figure::Drawn(standby)),
        ("terminate", Figure::Drawn(terminate)),
        ("stop", Figure::Drawn(stop)),
        ("first-associations", Figure::Drawn(first_associations)),
        ("agent-restart", Figure::Drawn(agent_restart)),
        ("reboot", Figure::Drawn(reboot)),
        ("rebalance-notice", Figure::Drawn(rebalance_notice)),
        ("health-notice", Figure::Drawn(health_notice)),
        ("agent-heartbeat", Figure::Fixed(agent_heartbeat)),
        ("agent-lost-after", Figure::Fixed(agent_lost_after)),
        ("command-pickup", Figure::Drawn(command_pickup)),
        ("command-run", Figure::Drawn(command_run)),
        ("command-history-lag", Figure::Drawn(command_history_lag)),
        ("queue-to-function", Figure::Drawn(queue_to_function)),
        ("event-delivery", Figure::Drawn(event_delivery)),
        ("call-attach-detach", Figure::Fixed(attach_detach)),
        ("call-send-command", Figure::Fixed(send_command)),
        ("call-queue", Figure::Fixed(queue)),
        ("call-other", Figure::Fixed(other)),
    ]
}

impl Override {
    /// Sets the figure, tail included.
    pub(crate) fn apply(&self, settings: &mut Settings) {
        for (name, figure) in figures(settings) {
            if name == self.name {
                match figure {
                    Figure::Drawn(spread) => *spread = Spread::between(self.min, self.max),
                    Figure::Fixed(duration) => *duration = self.max,
                }
            }
        }
    }
}

impl FromStr for Override {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or("NAME=DURATION is expected, such as detach=30s")?;
        let mut settings = Settings::default();
        let known = figures(&mut settings);
        let Some((name, figure)) = known.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "no timing is called {name}; there are {}",
                names.join(", ")
            ));
        };
        let (min, max) = match value.split_once("..") {
            None => (duration(value)?, duration(value)?),
            Some(_) if matches!(figure, Figure::Fixed(_)) => {
                return Err(format!("{name} is not drawn: one duration is expected"));
            }
            Some((min, max)) => (duration(min)?, duration(max)?),
        };
        if min > max {
            return Err(format!("the range {value} ends before it begins"));
        }
        Ok(Self { name, min, max })
    }
}

/// `300ms`, `5s`, `2.5s`, `3m`, or seconds without a unit.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        other => return Err(format!("{other:?} is no unit; ms, s and m are")),
    };
    digits
        .parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number * unit).ok())
        .ok_or_else(|| format!("{text:?} is no duration, such as 300ms, 5s or 2m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Settings {
        let mut settings = Settings::default();
        let parsed: Override = text.parse().unwrap();
        parsed.apply(&mut settings);
        settings
    }

    #[test]
    fn a_duration_replaces_a_spread_and_its_tail() {
        let detach = set("detach=30").timings.detach;
        assert_eq!(detach.min, Duration::from_secs(30));
        assert_eq!(detach.max, Duration::from_secs(30));
        assert!(detach.tail_chance.abs() < f64::EPSILON);
    }

    #[test]
    fn a_range_is_drawn_from() {
        let boot = set("boot=300ms..1.5s").timings.boot;
        assert_eq!(boot.min, Duration::from_millis(300));
        assert_eq!(boot.max, Duration::from_millis(1_500));
    }

    #[test]
    fn a_fixed_figure_is_set() {
        let settings = set("agent-heartbeat=2m");
        assert_eq!(settings.timings.agent_heartbeat, Duration::from_mins(2));
        assert_eq!(set("call-other=1s").latencies.other, Duration::from_secs(1));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let problem = |text: &str| text.parse::<Override>().unwrap_err();
        assert!(problem("dettach=3s").contains("launch-notice, instance-start, boot"));
        assert!(problem("detach").contains("NAME=DURATION"));
        assert!(problem("detach=3h").contains("\"h\" is no unit"));
        assert!(problem("detach=-3s").contains("is no duration"));
        assert!(problem("detach=3s..1s").contains("ends before it begins"));
        assert!(problem("agent-heartbeat=1s..2s").contains("not drawn"));
    }
}
