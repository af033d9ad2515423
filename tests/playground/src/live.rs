//! What a person sees while nothing happens: how the pool stands, and that time passes.

use crate::follow::Follower;
use crate::page::machines;
use crate::print::Printer;
use crate::progress::Progress;
use crate::start::Running;
use region::journal::Entry;
use std::fmt::Write as _;
use std::time::Duration;

/// How often it moves.
const TICK: Duration = Duration::from_millis(100);

/// What happens next. Until then a terminal shows how the pool stands.
pub(crate) async fn next(
    running: &Running,
    follower: &mut Follower,
    printer: &mut Printer,
) -> Vec<Entry> {
    if !printer.is_watched() {
        return follower.next().await;
    }
    loop {
        // Where nothing can be written, the next line says so.
        let _ = printer.status(&status(running, printer));
        tokio::select! {
            biased;
            entries = follower.next() => return entries,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

fn status(running: &Running, printer: &Printer) -> String {
    let names = &running.names;
    let progress = Progress::new(names.clone());
    let elapsed = (running.region.clock().now() - printer.zero).as_seconds_f64();
    let pools: Vec<String> = (names.all())
        .map(|names| {
            let pool = (running.region).read(|world| machines::pool(world, names, &progress));
            let name = match names.family {
                Some(_) => names.title(),
                None => "pool",
            };
            let mut text = format!("{name}: {} of {} ready", pool.ready, pool.desired);
            for (count, what) in [(pool.booting, "booting"), (pool.requested, "requested")] {
                if count > 0 {
                    let _ = write!(text, ", {count} {what}");
                }
            }
            text
        })
        .collect();
    format!("{elapsed:>7.1} s  {}", pools.join("; "))
}
