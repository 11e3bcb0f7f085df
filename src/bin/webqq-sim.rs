//! `webqq-sim`: runs the pretend WebQQ until it is told to stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use matrix_webqq::base::telemetry;
use matrix_webqq::sim::{Options, Proxy, Simulator, World};
use tokio::signal::unix::{SignalKind, signal};

/// A pretend WebQQ to develop and demonstrate WebQQ clients against.
#[derive(Parser)]
#[command(name = "webqq-sim", version)]
struct Arguments {
    /// Where clients connect; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9700")]
    listen: SocketAddr,
    /// Where the page is on which you play QQ; it has no login, so keep it on this machine.
    #[arg(long, default_value = "127.0.0.1:9702")]
    console: SocketAddr,
    /// Where the HTTP proxy is, for clients that have QQ's addresses built in.
    #[arg(long, value_name = "ADDR", requires = "ca_dir")]
    proxy: Option<SocketAddr>,
    /// Where the proxy's test authority is kept, made when missing; clients must trust DIR/ca.pem.
    #[arg(long, value_name = "DIR", requires = "proxy")]
    ca_dir: Option<PathBuf>,
    /// Who lives there; see config/world.example.yaml.
    #[arg(long)]
    world: Option<PathBuf>,
    /// The same seed gives the same numbers and tokens.
    #[arg(long)]
    seed: Option<u64>,
    /// What is logged: error, warn, info, debug or trace.
    #[arg(long, default_value = "info")]
    log: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    telemetry::start(&arguments.log, telemetry::Format::Pretty, None)?;
    let world = arguments.world.map(|path| {
        let yaml = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        World::parse(&yaml).with_context(|| path.display().to_string())
    });
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let simulator = Simulator::start(Options {
        listen: arguments.listen,
        console: arguments.console,
        world: world.transpose()?,
        seed: arguments.seed,
        proxy: arguments.proxy.zip(arguments.ca_dir).map(|(listen, ca_dir)| Proxy { listen, ca_dir }),
        ..Options::default()
    })
    .await?;
    let mut out = std::io::stdout();
    writeln!(out, "WebQQ    http://{}", simulator.qq_addr())?;
    writeln!(out, "console  http://{}", simulator.console_addr())?;
    if let Some(proxy) = simulator.proxy_addr() {
        writeln!(out, "proxy    http://{proxy}")?;
    }
    out.flush()?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    simulator.stop().await;
    Ok(())
}
