-- A journal report that came again in another delivery counts with its size there, too: what a
-- disposal takes off the figures is then what was counted.
UPDATE delivery SET report_size_bytes =
    (SELECT max(first.report_size_bytes) FROM delivery first WHERE first.record = delivery.record)
WHERE report_size_bytes IS NULL AND shape = 2;

-- The figures of before are made from the rows anew.
UPDATE figures SET
    records = (SELECT count(*) FROM record r WHERE r.tenant = figures.tenant),
    mail_bytes = (SELECT coalesce(sum(r.size_bytes), 0) FROM record r WHERE r.tenant = figures.tenant),
    parts = (SELECT count(*) FROM part p WHERE p.tenant = figures.tenant),
    deliveries = (SELECT count(*) FROM record r JOIN delivery d ON d.record = r.row
        WHERE r.tenant = figures.tenant),
    reports = (SELECT count(d.report_size_bytes) FROM record r JOIN delivery d ON d.record = r.row
        WHERE r.tenant = figures.tenant),
    raw_bytes = (SELECT coalesce(sum(coalesce(d.report_size_bytes, r.size_bytes)), 0)
        FROM record r JOIN delivery d ON d.record = r.row WHERE r.tenant = figures.tenant);
UPDATE figures SET merged = deliveries - records;
