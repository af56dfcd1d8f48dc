//! The families of `/metrics`, in the order of `docs/metrics.md`.

use std::sync::atomic::Ordering;

use intake::smtp::{ACKNOWLEDGED_SECONDS, REPLY_CODES};

use crate::machine::{self, Process};
use crate::metrics::Page;
use crate::operation::ServerOperation;

impl ServerOperation {
    /// All figures; a few reads of the catalog for each tenant.
    pub fn page(&self) -> anyhow::Result<String> {
        let mut page = Page::default();
        page.family("chancery_build_info", "The program; always 1.", "gauge");
        page.sample("chancery_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        page.gauge(
            "chancery_uptime_seconds",
            "Since the server started.",
            self.begun.elapsed().as_secs_f64(),
        );
        self.intake_figures(&mut page);
        self.spool_figures(&mut page);
        self.line_figures(&mut page);
        self.archive_figures(&mut page)?;
        self.web_figures(&mut page);
        self.process_figures(&mut page);
        Ok(page.text())
    }

    fn intake_figures(&self, page: &mut Page) {
        let read = self.intake.reading(self.parts.clock.now());
        page.gauge(
            "chancery_smtp_connections_open",
            "SMTP connections that are open.",
            read.connections_open as f64,
        );
        page.counter(
            "chancery_smtp_connections_total",
            "SMTP connections that were taken.",
            read.connections,
        );
        page.counter(
            "chancery_smtp_connections_tls_total",
            "SMTP connections with a finished TLS handshake.",
            read.connections_tls,
        );
        page.counter(
            "chancery_smtp_connections_refused_total",
            "SMTP connections that were turned away: too many, or from a foreign network.",
            read.connections_refused,
        );
        page.counter(
            "chancery_smtp_handshakes_failed_total",
            "TLS handshakes that failed.",
            read.handshakes_failed,
        );
        page.counter(
            "chancery_smtp_mails_accepted_total",
            "Mails answered with 250: durable.",
            read.mails_accepted,
        );
        page.counter(
            "chancery_smtp_octets_accepted_total",
            "Octets of these mails.",
            read.octets_accepted,
        );
        let refusals = "chancery_smtp_refusals_total";
        page.family(refusals, "Replies that refused something, by code.", "counter");
        for (code, count) in REPLY_CODES.iter().zip(&read.replies) {
            page.sample(refusals, &[("code", &code.to_string())], *count as f64);
        }
        let acknowledged = (read.acknowledged.classes.as_slice(), read.acknowledged.sum_seconds);
        page.histogram(
            "chancery_smtp_acknowledge_seconds",
            "From the last octet of a mail to its 250.",
            &ACKNOWLEDGED_SECONDS,
            acknowledged,
        );
    }

    fn spool_figures(&self, page: &mut Page) {
        let (state, oldest) = (self.parts.spool.state(), self.parts.spool.oldest());
        let now = self.parts.clock.now();
        page.gauge(
            "chancery_spool_mails",
            "Mails that are accepted and not archived yet.",
            (state.waiting + state.claimed + state.delayed) as f64,
        );
        page.gauge("chancery_spool_bytes", "Bytes of the spool on disk.", state.bytes as f64);
        page.gauge(
            "chancery_spool_oldest_seconds",
            "Age of the oldest mail in the spool; 0 when it is empty.",
            oldest.map_or(0.0, |at| (now.as_micros() - at.as_micros()).max(0) as f64 / 1e6),
        );
        page.gauge(
            "chancery_spool_full",
            "1 while no mail is taken: the spool is full or the disk low.",
            f64::from(u8::from(state.full.is_some())),
        );
        page.gauge(
            "chancery_spool_damaged",
            "Places of the spool that could not be read.",
            state.damaged as f64,
        );
        page.gauge(
            "chancery_spool_drafts_bytes",
            "Memory that mails on their way in take.",
            self.parts.spool.drafts_bytes() as f64,
        );
    }

    fn line_figures(&self, page: &mut Page) {
        let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let line = &self.line;
        page.counter(
            "chancery_pipeline_batches_total",
            "Batches that were archived.",
            load(&line.batches),
        );
        let mails = "chancery_pipeline_mails_total";
        page.family(mails, "Mails that were settled, by outcome.", "counter");
        for (outcome, counter) in [
            ("known", &line.known),
            ("merged", &line.merged),
            ("new", &line.new),
            ("not_selected", &line.not_selected),
            ("quarantined", &line.quarantined),
        ] {
            page.sample(mails, &[("outcome", outcome)], load(counter) as f64);
        }
        page.counter(
            "chancery_pipeline_octets_total",
            "Octets of these mails.",
            load(&line.octets),
        );
        page.durations(
            "chancery_pipeline_latency_seconds",
            "From the reception of a mail to the archive.",
            &line.latency,
        );
    }

    fn archive_figures(&self, page: &mut Page) -> anyhow::Result<()> {
        let totals = self.parts.catalog.totals()?;
        let catalog::Figures { records, reports, quarantined, raw_bytes: raw, .. } = totals.figures;
        let lag = self.census.lag(None)?;
        let space = self.parts.vault.space(None)?;
        page.gauge("chancery_tenants", "Tenants.", totals.tenants as f64);
        page.gauge("chancery_archive_records", "Archived mails.", records as f64);
        page.gauge("chancery_archive_reports", "Journal reports of these.", reports as f64);
        page.gauge("chancery_archive_raw_bytes", "Octets as they were received.", raw as f64);
        page.gauge("chancery_vault_packs", "Packs of the vault.", space.packs as f64);
        let stored = "chancery_stored_bytes";
        page.family(stored, "Bytes on disk, by what they are.", "gauge");
        let catalog = self.parts.catalog.stored_bytes()?;
        for (what, bytes) in
            [("catalog", catalog), ("keys", space.keys_bytes), ("packs", space.packs_bytes)]
        {
            page.sample(stored, &[("what", what)], bytes as f64);
        }
        let known = self.census.sum();
        let (reclaimable, reclaimed) = (known.reclaimable as f64, known.reclaimed as f64);
        let what = "Bytes of packs that are erased and not given back to the disk yet.";
        page.gauge("chancery_reclaimable_bytes", what, reclaimable);
        page.gauge("chancery_reclaimed_bytes", "Bytes that compaction gave back.", reclaimed);
        page.gauge(
            "chancery_quarantine_waiting",
            "Submissions that wait for a decision.",
            quarantined as f64,
        );
        page.gauge(
            "chancery_index_lag_records",
            "Archived mails that are not searchable yet.",
            lag as f64,
        );
        let committed = self.index_figures.last_commit_at();
        page.gauge(
            "chancery_index_last_commit_timestamp_seconds",
            "When the index was last committed; 0: not since the start.",
            committed.map_or(0.0, |at| at.as_micros() as f64 / 1e6),
        );
        let troubles = self.index_figures.troubles.lock().map_or(0, |troubles| troubles.len());
        page.gauge(
            "chancery_index_troubled_tenants",
            "Tenants whose index cannot be written.",
            troubles as f64,
        );
        if let Some(fetch) = self.fetch.get() {
            fetch_figures(page, crate::fetching::counts(fetch.figures()));
        }
        let (waiting, _) = self.parts.catalog.waiting_notices()?;
        page.gauge(
            "chancery_notifications_waiting",
            "Notifications that wait for the smarthost.",
            waiting as f64,
        );
        page.gauge(
            "chancery_evidence_unsealed_tenants",
            "Tenants whose ledger waits for a time stamp that fails.",
            self.sealing.unsealed().len() as f64,
        );
        page.gauge(
            "chancery_evidence_unrenewed_tenants",
            "Tenants whose time stamps end and are not renewed.",
            self.sealing.unrenewed().len() as f64,
        );
        let conditions = self.parts.catalog.conditions()?;
        page.gauge(
            "chancery_conditions",
            "Troubles that people are told of and that are not over.",
            conditions.len() as f64,
        );
        Ok(())
    }

    fn web_figures(&self, page: &mut Page) {
        let answers = self.http.reading();
        let (total, spent) =
            ("chancery_http_requests_total", "chancery_http_request_seconds_total");
        page.family(total, "Answers to HTTP requests, by method, route and status.", "counter");
        for (key, count) in &answers {
            let status = key.status.to_string();
            let labels =
                [("method", key.method), ("route", key.route.as_str()), ("status", &status)];
            page.sample(total, &labels, count.answers as f64);
        }
        page.family(spent, "Time until the head of these answers.", "counter");
        for (key, count) in &answers {
            let status = key.status.to_string();
            let labels =
                [("method", key.method), ("route", key.route.as_str()), ("status", &status)];
            page.sample(spent, &labels, count.spent.as_secs_f64());
        }
        let audit = self.parts.catalog.audit_figures();
        let sign_ins = "chancery_sign_ins_total";
        page.family(sign_ins, "Attempts to sign in, by outcome.", "counter");
        for (outcome, count) in [
            ("denied", audit.sign_ins_denied),
            ("done", audit.sign_ins_done),
            ("failed", audit.sign_ins_failed),
        ] {
            page.sample(sign_ins, &[("outcome", outcome)], count as f64);
        }
        page.counter("chancery_audit_events_total", "Audit events written.", audit.written);
        page.counter(
            "chancery_audit_failures_total",
            "Writes of audit events that failed.",
            audit.failures,
        );
        page.gauge(
            "chancery_live_log_listeners",
            "Who follows the live log.",
            self.live_log.listeners() as f64,
        );
        page.counter(
            "chancery_live_log_dropped_total",
            "Listeners of the live log that were too slow and cut off.",
            self.live_log.dropped(),
        );
    }

    fn process_figures(&self, page: &mut Page) {
        let now = self.parts.clock.now();
        let left = self.tls.facts().not_after.as_seconds() - now.as_seconds();
        page.gauge(
            "chancery_certificate_expiry_seconds",
            "Until the certificate ends; negative afterwards.",
            left as f64,
        );
        let disk = machine::disk(&self.folder, self.parts.spool.limits().reserve_free_bytes);
        page.gauge("chancery_disk_free_bytes", "Free on the data disk.", disk.free_bytes as f64);
        page.gauge("chancery_disk_total_bytes", "Size of the data disk.", disk.total_bytes as f64);
        let process = Process::read();
        page.gauge(
            "process_resident_memory_bytes",
            "Memory of the process.",
            process.memory_bytes as f64,
        );
        page.gauge("process_open_fds", "Open files of the process.", process.open_files as f64);
        page.gauge(
            "process_max_fds",
            "Files that the process may have open.",
            process.open_files_max as f64,
        );
        page.gauge("process_threads", "Threads of the process.", process.threads as f64);
        page.family("process_cpu_seconds_total", "Processor time of the process.", "counter");
        page.sample("process_cpu_seconds_total", &[], process.processor_seconds);
    }
}

fn fetch_figures(page: &mut Page, [polls, failed, mails, octets]: [u64; 4]) {
    page.counter("chancery_fetch_runs_total", "Readings of mailboxes on other servers.", polls);
    page.counter("chancery_fetch_failures_total", "Of these, not read to their end.", failed);
    page.counter(
        "chancery_fetch_mails_total",
        "Mails that were fetched, in whatever state.",
        mails,
    );
    page.counter("chancery_fetch_octets_total", "Octets that were fetched.", octets);
}
