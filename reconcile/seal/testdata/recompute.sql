-- The seal, worked out again by Postgres alone, for an auditor: no code of points-ledger
-- is needed, a restored dump is enough. Run it with psql, and then:
--   SELECT * FROM seal_batches_again WHERE NOT hash_agrees OR NOT follows;
--   SELECT * FROM seal_rows_again WHERE now_is IS DISTINCT FROM sealed_as;
-- A row that no list has: SELECT id FROM operations EXCEPT SELECT id FROM seal_rows_again WHERE table_name = 'operations'.

-- A column as COPY … (FORMAT binary) writes it: its length in four bytes (-1: NULL), and its bytes.
CREATE FUNCTION pg_temp.col(bytes bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
    $$ SELECT COALESCE(int4send(octet_length(bytes)) || bytes, '\xffffffff') $$;
CREATE FUNCTION pg_temp.col(t text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.col(convert_to(t, 'UTF8')) $$;
CREATE FUNCTION pg_temp.col(n bigint) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.col(int8send(n)) $$;
CREATE FUNCTION pg_temp.col(n integer) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.col(int4send(n)) $$;
CREATE FUNCTION pg_temp.col(n smallint) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.col(int2send(n)) $$;
CREATE FUNCTION pg_temp.col(b boolean) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.col(boolsend(b)) $$;
CREATE FUNCTION pg_temp.col(d date) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.col(date_send(d)) $$;
CREATE FUNCTION pg_temp.col(t timestamptz) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.col(timestamptz_send(t)) $$;
CREATE FUNCTION pg_temp.col(u uuid) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.col(uuid_send(u)) $$;
-- The name of the table, a line feed, the number of columns, the columns; 16 bytes of its SHA-256.
CREATE FUNCTION pg_temp.digest(name text, columns integer, tuple bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
    $$ SELECT substr(sha256(convert_to(name || E'\n', 'UTF8') || int2send(columns::smallint) || tuple), 1, 16) $$;

CREATE TEMP VIEW seal_digests AS
SELECT 'operations' AS table_name, o.id, pg_temp.digest('operations', 33,
       pg_temp.col(o.id) || pg_temp.col(o.target) || pg_temp.col(o.kind) || pg_temp.col(o.biz_id) || pg_temp.col(o.business_key)
    || pg_temp.col(o.member_id) || pg_temp.col(o.member_code) || pg_temp.col(o.points) || pg_temp.col(o.source_type) || pg_temp.col(o.points_channel)
    || pg_temp.col(o.reason) || pg_temp.col(o.reference) || pg_temp.col(o.business_date) || pg_temp.col(o.shop_code) || pg_temp.col(o.amount_fen)
    || pg_temp.col(o.mapping_version) || pg_temp.col(o.event_source) || pg_temp.col(o.event_id) || pg_temp.col(o.event_type)
    || pg_temp.col(o.event_time) || pg_temp.col(o.event_subject) || pg_temp.col(o.stream_seq) || pg_temp.col(o.broker_time) || pg_temp.col(o.data)
    || pg_temp.col(o.recorded_at) || pg_temp.col(o.fact_key) || pg_temp.col(o.fact_leg)
    || pg_temp.col(r.origin_id) || pg_temp.col(r.amount_fen) || pg_temp.col(r.kept_before) || pg_temp.col(r.kept_after) || pg_temp.col(r.netted) || pg_temp.col(r.ends)) AS digest
  FROM operations o LEFT JOIN reversals r ON r.operation_id = o.id
UNION ALL
SELECT 'postings', p.operation_id, pg_temp.digest('postings', 12,
       pg_temp.col(p.operation_id) || pg_temp.col(p.kind) || pg_temp.col(p.evidence) || pg_temp.col(p.member_id) || pg_temp.col(p.attempts)
    || pg_temp.col(p.http_status) || pg_temp.col(p.vendor_code) || pg_temp.col(p.vendor_message) || pg_temp.col(p.posted_at)
    || pg_temp.col(p.first_sent_at) || pg_temp.col(p.by_code) || pg_temp.col(p.points))
  FROM postings p
UNION ALL
SELECT 'corrections', c.operation_id, pg_temp.digest('corrections', 8,
       pg_temp.col(c.operation_id) || pg_temp.col(c.kind) || pg_temp.col(c.evidence) || pg_temp.col(c.member_id)
    || pg_temp.col(c.http_status) || pg_temp.col(c.vendor_code) || pg_temp.col(c.vendor_message) || pg_temp.col(c.corrected_at))
  FROM corrections c
UNION ALL
SELECT 'ops_actions', a.id, pg_temp.digest('ops_actions', 8,
       pg_temp.col(a.id) || pg_temp.col(a.at) || pg_temp.col(a.actor) || pg_temp.col(a.action) || pg_temp.col(a.filter)
    || pg_temp.col(a.reason) || pg_temp.col(a.set_size) || pg_temp.col(a.result))
  FROM ops_actions a;

CREATE TEMP VIEW seal_rows_again AS
SELECT l.number, l.table_name, i.id, substr(l.digests, ((row_number() OVER (PARTITION BY l.number, l.table_name ORDER BY i.id) - 1) * 16 + 1)::integer, 16) AS sealed_as,
       (SELECT d.digest FROM seal_digests d WHERE d.table_name = l.table_name AND d.id = i.id) AS now_is
  FROM seal_lists l
 CROSS JOIN LATERAL unnest(l.ids) AS span
 CROSS JOIN LATERAL generate_series(lower(span), upper(span) - 1) AS i (id);

CREATE TEMP VIEW seal_batches_again AS
SELECT b.number, h.hash, h.hash = b.hash AS hash_agrees,
       b.previous = COALESCE(lag(b.hash) OVER (ORDER BY b.number), decode(repeat('00', 32), 'hex')) AS follows
  FROM seal_batches b
 CROSS JOIN LATERAL (
    SELECT sha256(convert_to(E'points-ledger seal 1\n', 'UTF8') || b.previous || int8send(b.number) || timestamptz_send(b.sealed_at) || timestamptz_send(b.since)
               || boolsend(b.complete) || int8send(b.operations_upto) || int8send(b.acts_upto) || int8send(COALESCE(b.lost_number, 0)) || COALESCE(b.lost_hash, '')
               || COALESCE((SELECT string_agg(convert_to(l.table_name || E'\n' || l.ids::text || E'\n', 'UTF8') || l.digests, '' ORDER BY l.table_name COLLATE "C")
                              FROM seal_lists l WHERE l.number = b.number), '')) AS hash
 ) AS h;
