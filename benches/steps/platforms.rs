//! Many simulated organisations in one process, of which every tenth fails in its own way, for `scripts/guard`.

use std::net::SocketAddr;
use std::time::Duration;

use genesyscloud_oauth_exporter::simulator::{ClientSet, DEFAULT_CLIENT_ID, Fault, Options, RetryAfter, Simulator};

/// None of them lets an organisation be read.
fn faults() -> Vec<Fault> {
    vec![
        Fault::ServerError(500),
        Fault::ServerError(503),
        Fault::RateLimited(RetryAfter::Seconds(3600)),
        Fault::HtmlInsteadOfJson,
        Fault::HtmlError(502),
        Fault::CutBody,
        Fault::Garbage,
        Fault::InvalidUtf8,
        Fault::EmptyBody,
        Fault::UnexpectedShape,
        Fault::Hang,
        Fault::CloseWithoutAnswer,
        Fault::NotAuthorized,
        Fault::Unauthorized,
        Fault::NotFound,
        Fault::HugeBody(1 << 30),
        Fault::SlowBody { chunk: 1, pause: Duration::from_millis(100) },
        Fault::InvalidClient(401),
        Fault::EmptyList,
        Fault::TokenRateLimited,
    ]
}

/// Starts them, and prints the `[[organisation]]` of each, whose label begins with `works` or `fails`. Their secret is the simulator's.
/// Never returns.
pub(crate) fn serve(organisations: usize, clients: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads").block_on(async {
        let mut faults = faults().into_iter().cycle();
        let mut running = Vec::new();
        for number in 0..organisations {
            let simulator = Simulator::start(Options {
                seed: number as u64,
                clients: ClientSet::Generated(clients),
                rate_limit: 1_000_000,
                listen: SocketAddr::from(([127, 0, 0, 1], 0)),
                ..Options::default()
            });
            let simulator = simulator.await.expect("loopback");
            let fails = number % 10 == 9;
            if let Some(fault) = fails.then(|| faults.next()).flatten() {
                simulator.organisation().set_fault(fault);
            }
            let (kind, url) = (if fails { "fails" } else { "works" }, simulator.url());
            println!("[[organisation]]\norg = \"{kind}-{number}\"\nclient_id = \"{DEFAULT_CLIENT_ID}\"");
            println!("api_url = \"{url}\"\nlogin_url = \"{url}\"");
            running.push(simulator);
        }
        println!("# end");
        std::future::pending::<()>().await;
    });
}
