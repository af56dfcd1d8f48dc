//! The words of notifications, in German and English.

use api::dto::NoticeLanguage;
use catalog::ConditionRow;
use model::Timestamp;

/// For whom a mail is written.
pub struct Words<'a> {
    pub host: &'a str,
    pub tenant: Option<&'a str>,
    pub language: NoticeLanguage,
}

/// A condition in one language: what it is, and what to do.
struct Text {
    title: &'static str,
    /// `{name}` stands for a fact.
    what: &'static str,
    advice: &'static str,
}

impl Words<'_> {
    /// Subject and body.
    pub fn write(&self, condition: &ConditionRow, over: bool) -> (String, String) {
        let german = self.language == NoticeLanguage::De;
        let text =
            if german { german_text(&condition.code) } else { english_text(&condition.code) };
        let place = match self.tenant {
            Some(tenant) => format!("{}, {tenant}", self.host),
            None => self.host.to_owned(),
        };
        let head = match (german, over) {
            (true, true) => "Behoben: ",
            (false, true) => "Resolved: ",
            (_, false) => "",
        };
        let subject = format!("[Chancery {}] {head}{}", self.host, text.title);
        let mut what = text.what.replace("{object}", &condition.object);
        for (name, value) in &condition.facts {
            what = what.replace(&format!("{{{name}}}"), value);
        }
        let body = match (german, over) {
            (true, false) => format!(
                "{}\r\n\r\n{what}\r\n\r\nWas zu tun ist: {}\r\n\r\nServer: {place}\r\nSeit: {}\r\n\r\n\
                 Sie erhalten eine weitere Nachricht, wenn dies behoben ist oder schlimmer wird.\r\n",
                text.title, text.advice, condition.since
            ),
            (true, true) => format!(
                "Dies ist behoben: {}\r\n\r\nServer: {place}\r\nSeit: {}\r\n",
                text.title, condition.since
            ),
            (false, false) => format!(
                "{}\r\n\r\n{what}\r\n\r\nWhat to do: {}\r\n\r\nServer: {place}\r\nSince: {}\r\n\r\n\
                 You are told again when this is over or gets worse.\r\n",
                text.title, text.advice, condition.since
            ),
            (false, true) => format!(
                "This is over: {}\r\n\r\nServer: {place}\r\nSince: {}\r\n",
                text.title, condition.since
            ),
        };
        (subject, body)
    }
}

impl Words<'_> {
    /// To somebody whose mail another person may read for a while.
    pub fn access(&self, until: Timestamp) -> (String, String) {
        let tenant = self.tenant.unwrap_or_default();
        match self.language {
            NoticeLanguage::De => (
                format!("[Chancery {}] Ihr Archiv wurde zur Einsicht freigegeben", self.host),
                format!(
                    "Für eine Prüfung wurde die Einsicht in Ihre archivierten Mails von einer \
                     zweiten Person genehmigt.\r\n\r\nBis: {until}\r\nMandant: {tenant}\r\n\r\n\
                     Jede Suche und jede geöffnete Mail wird protokolliert. Fragen beantwortet die \
                     für Compliance zuständige Stelle Ihres Hauses.\r\n"
                ),
            ),
            NoticeLanguage::En => (
                format!("[Chancery {}] Your archive was opened for an inspection", self.host),
                format!(
                    "For an inspection, a second person approved that your archived mail may be \
                     read.\r\n\r\nUntil: {until}\r\nTenant: {tenant}\r\n\r\nEvery search and every \
                     mail that is opened is recorded. Please ask your compliance office.\r\n"
                ),
            ),
        }
    }
}

/// A mail that tries out the smarthost.
pub fn test(host: &str, language: NoticeLanguage) -> (String, String) {
    match language {
        NoticeLanguage::De => (
            format!("[Chancery {host}] Testnachricht"),
            "Der Versand von Benachrichtigungen funktioniert.\r\n".to_owned(),
        ),
        NoticeLanguage::En => {
            (format!("[Chancery {host}] Test message"), "Notifications can be sent.\r\n".to_owned())
        }
    }
}

fn english_text(code: &str) -> Text {
    let (title, what, advice) = match code {
        "audit-failed" => (
            "Audit events could not be written",
            "{writes} writes of the audit log have failed since the start.",
            "Look at the log of the server and at the disk of the catalog.",
        ),
        "backup-failed" => (
            "The backup failed",
            "The backup of {at} did not come to its end.",
            "Run chancery backup again and read what it says.",
        ),
        "certificate-ending" => (
            "The certificate is about to end",
            "The certificate of {object} ends in {days} days ({notAfter}).",
            "Put a new certificate and its key in place; they are taken without a restart.",
        ),
        "directory-failed" => (
            "A directory cannot be read",
            "The synchronisation of {directory} failed: {reason}",
            "Test the connection in the console; accounts stay as they are.",
        ),
        "directory-held" => (
            "A synchronisation waits for a decision",
            "The synchronisation of {directory} was not applied: {reason}",
            "Look at its preview in the console and confirm it, or correct the directory.",
        ),
        "disk-low" => (
            "The disk is nearly full",
            "{freeMebibytes} MiB are free on the disk of the data folder.",
            "Make room. Below the reserve mail is no longer accepted; senders try again for a day.",
        ),
        "evidence-waits" => (
            "The ledger is not time-stamped",
            "What was archived since waits for its time stamp: {reason}",
            "See whether the time-stamp authority answers and its certificate is trusted. Mail is \
             archived all the same; nothing is stamped with a wrong time.",
        ),
        "evidence-ends" => (
            "Evidence is not renewed",
            "Time stamps are about to end and their renewal fails: {reason}",
            "Name an authority that answers in [evidence] before the time stamps end.",
        ),
        "scrub-damaged" => (
            "Damage in the archive",
            "{findings} places of the archive are damaged. {repaired} were repaired from the backup.",
            "Read chancery evidence scrub; restore the named packs from a backup.",
        ),
        "fetch-corrupt-mail" => (
            "A mail cannot be fetched",
            "{mails} mails of the source {source} on {server} are damaged or break off. {reason}",
            "The other mails are fetched. Look at what is left on the server, and open or remove \
             the mail there.",
        ),
        "fetch-failed" => (
            "A mailbox cannot be fetched",
            "The source {source} on {server} was not read to its end: {reason}",
            "Nothing is lost, it is tried again. Test the connection in the console.",
        ),
        "fetch-no-connection" => (
            "No connection to a mail server",
            "The server {server} of the source {source} cannot be reached: {reason}",
            "Nothing is lost, it is tried again. Look at the server, its name and port, and at \
             firewalls in between.",
        ),
        "fetch-sign-in-refused" => (
            "A mail server refuses the sign-in",
            "The server {server} refuses user or password of the source {source}: {reason}",
            "Enter the password anew, or look at the rights of the account on the server.",
        ),
        "fetch-tls-mismatch" => (
            "The encryption of a mail server does not fit",
            "TLS with {server} for the source {source} does not come about: {reason}",
            "Look at the certificate of the server and at the chosen security. If the certificate \
             was changed on purpose, confirm it in the settings of the source.",
        ),
        "index-damaged" => (
            "The search index cannot be written",
            "Mail is archived but does not become searchable: {reason}",
            "Make room, or stop the server and delete the index of the tenant; it is made anew.",
        ),
        "index-lag" => (
            "The search index is far behind",
            "{mails} archived mails are not searchable yet.",
            "Nothing is lost. Look at the load of disk and processors.",
        ),
        "quarantine-grew" => (
            "Many mails in quarantine",
            "{mails} submissions came into quarantine within an hour.",
            "Look at the quarantine: perhaps a domain or an organisation is missing.",
        ),
        "queue-deep" => (
            "The queue is long",
            "{mails} mails wait to be archived, the oldest for {oldestSeconds} seconds.",
            "Nothing is lost. Look at the log of the server for the reason.",
        ),
        "source-silent" => (
            "A source brings no mail",
            "The source {source} has brought no journal report for {hours} hours.",
            "Look at the journal rule and the connector, or suspend the source.",
        ),
        "spool-damaged" => (
            "The spool is damaged",
            "{places} places of the spool cannot be read. Their files are kept.",
            "Look at the log and at the disk; restore the files from a backup.",
        ),
        "vault-damaged" => (
            "A tenant's archive is out of service",
            "Its mail cannot be read and none is archived: {reason}",
            "Put its key file back from a backup. Mail that comes in meanwhile waits in the spool.",
        ),
        _ => ("Something is wrong", "", "Look at the log of the server."),
    };
    Text { title, what, advice }
}

fn german_text(code: &str) -> Text {
    let (title, what, advice) = match code {
        "audit-failed" => (
            "Das Protokoll konnte nicht geschrieben werden",
            "Seit dem Start sind {writes} Einträge in das Prüfprotokoll fehlgeschlagen.",
            "Sehen Sie im Log des Servers und auf der Platte des Katalogs nach.",
        ),
        "backup-failed" => (
            "Die Sicherung ist fehlgeschlagen",
            "Die Sicherung vom {at} kam nicht zum Ende.",
            "Rufen Sie chancery backup erneut auf und beachten Sie die Meldung.",
        ),
        "certificate-ending" => (
            "Das Zertifikat läuft ab",
            "Das Zertifikat von {object} läuft in {days} Tagen ab ({notAfter}).",
            "Legen Sie ein neues Zertifikat mit Schlüssel ab; ein Neustart ist nicht nötig.",
        ),
        "directory-failed" => (
            "Ein Verzeichnis kann nicht gelesen werden",
            "Der Abgleich mit {directory} ist fehlgeschlagen: {reason}",
            "Testen Sie die Verbindung in der Konsole; die Konten bleiben, wie sie sind.",
        ),
        "directory-held" => (
            "Ein Verzeichnisabgleich wartet auf eine Entscheidung",
            "Der Abgleich mit {directory} wurde nicht übernommen: {reason}",
            "Sehen Sie die Vorschau in der Konsole an und bestätigen Sie sie, oder korrigieren Sie \
             das Verzeichnis.",
        ),
        "disk-low" => (
            "Die Platte ist fast voll",
            "Auf der Platte des Datenordners sind noch {freeMebibytes} MiB frei.",
            "Schaffen Sie Platz. Unterhalb der Reserve wird keine Mail mehr angenommen; Absender \
             versuchen es einen Tag lang erneut.",
        ),
        "evidence-waits" => (
            "Das Journal wird nicht zeitgestempelt",
            "Was seither archiviert wurde, wartet auf seinen Zeitstempel: {reason}",
            "Sehen Sie nach, ob der Zeitstempeldienst antwortet und seinem Zertifikat vertraut \
             wird. Mails werden dennoch archiviert; nichts erhält eine falsche Zeit.",
        ),
        "evidence-ends" => (
            "Beweise werden nicht erneuert",
            "Zeitstempel laufen ab, und ihre Erneuerung misslingt: {reason}",
            "Nennen Sie in [evidence] einen Dienst, der antwortet, bevor die Zeitstempel ablaufen.",
        ),
        "scrub-damaged" => (
            "Schaden im Archiv",
            "{findings} Stellen des Archivs sind beschädigt. {repaired} wurden aus der Sicherung \
             repariert.",
            "Lesen Sie chancery evidence scrub; stellen Sie die genannten Packs aus einer \
             Sicherung wieder her.",
        ),
        "fetch-corrupt-mail" => (
            "Eine Mail kann nicht abgeholt werden",
            "{mails} Mails der Quelle {source} auf {server} sind beschädigt oder brechen ab. {reason}",
            "Die übrigen Mails werden abgeholt. Sehen Sie nach, was auf dem Server geblieben ist, \
             und öffnen oder entfernen Sie die Mail dort.",
        ),
        "fetch-failed" => (
            "Ein Postfach kann nicht abgeholt werden",
            "Die Quelle {source} auf {server} wurde nicht bis zum Ende gelesen: {reason}",
            "Nichts ist verloren, es wird erneut versucht. Testen Sie die Verbindung in der Konsole.",
        ),
        "fetch-no-connection" => (
            "Keine Verbindung zu einem Mailserver",
            "Der Server {server} der Quelle {source} ist nicht erreichbar: {reason}",
            "Nichts ist verloren, es wird erneut versucht. Prüfen Sie den Server, Name und Port \
             sowie Firewalls dazwischen.",
        ),
        "fetch-sign-in-refused" => (
            "Ein Mailserver weist die Anmeldung ab",
            "Der Server {server} weist Benutzer oder Kennwort der Quelle {source} ab: {reason}",
            "Geben Sie das Kennwort neu ein, oder prüfen Sie die Rechte des Kontos auf dem Server.",
        ),
        "fetch-tls-mismatch" => (
            "Die Verschlüsselung eines Mailservers passt nicht",
            "TLS mit {server} für die Quelle {source} kommt nicht zustande: {reason}",
            "Prüfen Sie das Zertifikat des Servers und die gewählte Sicherheit. Wurde das Zertifikat \
             absichtlich gewechselt, bestätigen Sie es in den Einstellungen der Quelle.",
        ),
        "index-damaged" => (
            "Der Suchindex kann nicht geschrieben werden",
            "Mails werden archiviert, aber nicht durchsuchbar: {reason}",
            "Schaffen Sie Platz, oder löschen Sie bei angehaltenem Server den Index des Mandanten; \
             er wird neu aufgebaut.",
        ),
        "index-lag" => (
            "Der Suchindex ist weit zurück",
            "{mails} archivierte Mails sind noch nicht durchsuchbar.",
            "Nichts ist verloren. Prüfen Sie die Auslastung von Platte und Prozessoren.",
        ),
        "quarantine-grew" => (
            "Viele Mails in Quarantäne",
            "{mails} Einlieferungen kamen innerhalb einer Stunde in die Quarantäne.",
            "Sehen Sie die Quarantäne durch: vielleicht fehlt eine Domäne oder Organisation.",
        ),
        "queue-deep" => (
            "Die Warteschlange ist lang",
            "{mails} Mails warten auf die Archivierung, die älteste seit {oldestSeconds} Sekunden.",
            "Nichts ist verloren. Den Grund nennt das Log des Servers.",
        ),
        "source-silent" => (
            "Eine Quelle liefert keine Mails",
            "Die Quelle {source} hat seit {hours} Stunden keinen Journalbericht geliefert.",
            "Prüfen Sie Journalregel und Connector, oder halten Sie die Quelle an.",
        ),
        "spool-damaged" => (
            "Der Eingangsspeicher ist beschädigt",
            "{places} Stellen des Eingangsspeichers sind nicht lesbar. Ihre Dateien bleiben erhalten.",
            "Sehen Sie im Log und auf der Platte nach; stellen Sie die Dateien aus einer Sicherung \
             wieder her.",
        ),
        "vault-damaged" => (
            "Das Archiv eines Mandanten ist außer Betrieb",
            "Seine Mails können nicht gelesen und keine archiviert werden: {reason}",
            "Spielen Sie seine Schlüsseldatei aus einer Sicherung zurück. Eingehende Mails warten \
             im Spool.",
        ),
        _ => ("Etwas stimmt nicht", "", "Sehen Sie im Log des Servers nach."),
    };
    Text { title, what, advice }
}
