-- ClickHouse keeps statistics of every column by itself, for plans that join or that choose between conditions. Nothing here
-- is planned by them, and making them took a twelfth of each insert, and again at each merge.
ALTER TABLE interactions MODIFY SETTING auto_statistics_types = '';
ALTER TABLE event_index MODIFY SETTING auto_statistics_types = '';
ALTER TABLE daily_interactions MODIFY SETTING auto_statistics_types = '';
ALTER TABLE entity_months MODIFY SETTING auto_statistics_types = '';
ALTER TABLE voided_interactions MODIFY SETTING auto_statistics_types = '';
ALTER TABLE log_outcomes MODIFY SETTING auto_statistics_types = '';
ALTER TABLE activity MODIFY SETTING auto_statistics_types = '';
ALTER TABLE activity_days MODIFY SETTING auto_statistics_types = '';
