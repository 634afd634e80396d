//! The real Prometheus and Alertmanager with the repository's alerts, and a webhook that keeps what is paged.
//!
//! Not the exporters that they watch.

use std::path::Path;

use crate::programs::{Alertmanager, Notification, PROMETHEUS_2, Prometheus, Receiver};
use crate::support::until;

/// The parts of a notification that the tests compare.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Page {
    status: String,
    alert: String,
    pub(crate) client: String,
    /// The scopes or permissions of the alerts that fire, or of all alerts if none fires any more.
    privileges: Vec<String>,
}

impl Page {
    pub(crate) fn new(status: &str, alert: &str, client: &str, privileges: &[&str]) -> Self {
        let privileges = privileges.iter().map(|privilege| (*privilege).to_owned()).collect();
        Self { status: status.to_owned(), alert: alert.to_owned(), client: client.to_owned(), privileges }
    }

    pub(crate) fn of(notification: &Notification) -> Self {
        let body = &notification.body;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let status = text(&body["status"]);
        let alerts = body["alerts"].as_array().expect("alerts");
        let mut privileges: Vec<String> = alerts
            .iter()
            .filter(|alert| alert["status"] == status.as_str())
            .map(|alert| &alert["labels"])
            .map(|labels| text(labels.get("scope").unwrap_or(&labels["permission"])))
            .collect();
        privileges.sort();
        let labels = &body["groupLabels"];
        Self { status, alert: text(&labels["alertname"]), client: text(&labels["client_id"]), privileges }
    }
}

/// What watches the exporters.
pub(crate) struct Monitoring {
    pub(crate) prometheus: Prometheus,
    alertmanager: Alertmanager,
    pub(crate) receiver: Receiver,
}

impl Monitoring {
    /// Scrapes these ports of loopback.
    pub(crate) async fn start(folder: &Path, ports: &[u16]) -> Self {
        let receiver = Receiver::start().await;
        let alertmanager = Alertmanager::start(folder, receiver.port);
        let targets: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let prometheus = Prometheus::start(PROMETHEUS_2, folder, &targets, alertmanager.port);
        Self { prometheus, alertmanager, receiver }
    }

    pub(crate) fn told(&self) -> Vec<Page> {
        self.receiver.all().iter().map(Page::of).collect()
    }

    /// Every notification about the alerts in security.yml.
    pub(crate) fn pages(&self) -> Vec<Page> {
        self.told().into_iter().filter(|page| page.alert.starts_with("GenesysOAuthDangerous")).collect()
    }

    /// Waits for this number of notifications.
    pub(crate) async fn until_paged(&self, times: usize) -> Vec<Page> {
        until(&format!("{times} pages"), || async { Some(self.pages()).filter(|pages| pages.len() >= times) }).await
    }

    /// Checks that no notification is sent while Prometheus and Alertmanager evaluate the alerts several more times.
    pub(crate) async fn assert_quiet(&self, after: &str) {
        let pages = self.pages();
        let answer = self.prometheus.get("/rules", &[]).await.expect("Prometheus answers");
        let last = |answer: &serde_json::Value| -> Vec<String> {
            let groups = answer["groups"].as_array().expect("rule groups");
            groups.iter().filter_map(|group| group["lastEvaluation"].as_str().map(str::to_owned)).collect()
        };
        let mut seen = last(&answer);
        assert!(!seen.is_empty());
        for _ in 0..3 {
            seen = until("another evaluation of every rule", || async {
                let answer = self.prometheus.get("/rules", &[]).await.ok()?;
                let now = last(&answer);
                now.iter().zip(&seen).all(|(now, before)| now > before).then_some(now)
            })
            .await;
        }
        // When this alert of our own has been sent, all earlier alerts have been processed.
        let marker = format!("Marker after {after}");
        until("Alertmanager takes an alert", || self.alertmanager.send(&marker)).await;
        let is_marker = |page: &Page| page.alert == marker;
        until(&marker, || async { self.told().iter().any(is_marker).then_some(()) }).await;
        assert_eq!(self.pages(), pages, "{after} pages nobody");
    }
}
