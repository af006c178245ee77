-- What is made again from the log leaves this file for one of its own, `index.sqlite`; the log's leaves stay, which wait here for their checkpoint.
DROP TABLE IF EXISTS search_word;
DROP TABLE IF EXISTS search_doc;
DROP TABLE IF EXISTS search_key;
DROP TABLE IF EXISTS search_meta;
DROP TABLE followed;
DROP TABLE segments;
DROP TABLE tombstones;
DROP TABLE captures;
DROP TABLE sightings;
DROP TABLE items;
DROP TABLE revisions;
DROP TABLE withdrawals;
DROP TABLE oddities;
DROP TABLE coverage;
DROP TABLE refusals;
DROP TABLE erasures;
DROP TABLE statements;
