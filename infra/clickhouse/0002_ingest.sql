-- What the consumer writes, one row a log position. Nothing is stored here: views fill the tables that follow.
-- position = epoch (8 bits), partition (16 bits), offset (40 bits).
CREATE TABLE IF NOT EXISTS ingest
(
    position            UInt64,
    outcome             Enum8('counted' = 1, 'duplicate' = 2, 'conflicting' = 3, 'void' = 4, 'suppressed' = 5, 'dead-letter' = 6, 'control' = 7),
    tenant_id           LowCardinality(String),
    environment_id      LowCardinality(String),
    entity_type         Enum8('contact' = 0, 'lead' = 1, 'profile' = 2, 'custom' = 3, 'other' = 4),
    entity_id           String,
    entity_key          UInt128,
    event_id            String,
    event_key           UInt128,
    channel             Enum8('email' = 0, 'sms' = 1, 'push' = 2, 'voice' = 3, 'form_submission' = 4, 'custom' = 5),
    direction           Enum8('outbound' = 0, 'inbound' = 1),
    -- Of the interaction; of the one taken back, where a void takes one back.
    occurred_at         DateTime64(3, 'UTC'),
    journey_id          String,
    provider            String,
    content_hash        UInt64,
    -- A void that takes an interaction back names its position; 0 where it takes none back.
    taken_back_position UInt64,
    voided_at           Int64,
    void_reason         String
)
ENGINE = Null;
