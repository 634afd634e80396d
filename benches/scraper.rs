//! Scrapes a page for some seconds over one connection, and prints how many scrapes there were and their median and 99th percentile.
//!
//! Not part of the product: `scripts/bench-scrape` builds and starts it. It reads in large pieces and keeps no byte, so that a large page
//! costs the reader little. wrk reads 8 KiB at a time, and adds made-up samples to its percentiles after each pause of the machine.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "measures the time that passes; there is no runtime"
)]

use std::env::args;
use std::io::{BufRead, BufReader, Write as _, stdout};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

const BUFFER: usize = 256 << 10;

/// A connection of HTTP/1.1.
struct Scraper {
    address: String,
    request: String,
    /// `None` after the server has closed it.
    stream: Option<BufReader<TcpStream>>,
}

impl Scraper {
    /// Reads one page. A new connection counts as part of it, as for Prometheus.
    fn scrape(&mut self) -> anyhow::Result<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address)?;
            stream.set_nodelay(true)?;
            self.stream = Some(BufReader::with_capacity(BUFFER, stream));
        }
        let stream = self.stream.as_mut().context("there is no connection")?;
        stream.get_mut().write_all(self.request.as_bytes())?;
        let status = line(stream)?;
        ensure!(status.split(' ').nth(1) == Some("200"), "the response is {status:?}");
        let (mut length, mut chunked, mut closes) = (None, false, status.starts_with("http/1.0"));
        loop {
            let header = line(stream)?;
            match header.split_once(": ") {
                None => break,
                Some(("content-length", value)) => length = Some(value.parse()?),
                Some(("transfer-encoding", value)) => chunked = value == "chunked",
                Some(("connection", value)) => closes = value == "close",
                Some(_) => {}
            }
        }
        if chunked {
            loop {
                let size = u64::from_str_radix(&line(stream)?, 16).context("a chunk has no size")?;
                skip(stream, size)?;
                line(stream)?;
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = length {
            skip(stream, length)?;
        } else {
            while !stream.fill_buf()?.is_empty() {
                stream.consume(stream.buffer().len());
            }
            closes = true;
        }
        if closes {
            self.stream = None;
        }
        Ok(())
    }
}

/// A line in lower case without its end.
fn line(stream: &mut impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    ensure!(line.ends_with('\n'), "the response is cut off");
    Ok(line.trim_end().to_lowercase())
}

fn skip(stream: &mut impl BufRead, mut bytes: u64) -> anyhow::Result<()> {
    while bytes > 0 {
        let part = stream.fill_buf()?.len();
        ensure!(part > 0, "the response is cut off");
        let part = part.min(usize::try_from(bytes).unwrap_or(usize::MAX));
        stream.consume(part);
        bytes -= part as u64;
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = args().skip(1).collect();
    let [address, encoding, seconds, pause] = arguments.as_slice() else {
        bail!("usage: scraper ADDRESS (identity|gzip) SECONDS PAUSE_IN_MILLISECONDS");
    };
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: {encoding}\r\n\r\n");
    let mut scraper = Scraper { address: address.clone(), request, stream: None };
    let (length, pause) = (Duration::from_secs(seconds.parse()?), Duration::from_millis(pause.parse()?));
    scraper.scrape()?;
    let mut taken = Vec::new();
    let began = Instant::now();
    while began.elapsed() < length || taken.is_empty() {
        let scrape = Instant::now();
        scraper.scrape()?;
        taken.push(scrape.elapsed());
        if !pause.is_zero() {
            sleep(pause);
        }
    }
    taken.sort_unstable();
    let microseconds = |percent: usize| taken[(taken.len() - 1) * percent / 100].as_secs_f64() * 1e6;
    writeln!(stdout(), "{} {:.1} {:.1}", taken.len(), microseconds(50), microseconds(99))?;
    Ok(())
}
