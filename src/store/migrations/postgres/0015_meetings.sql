-- Each ghost that is asked into a room is a job of its own.
ALTER TABLE job DROP CONSTRAINT job_kind_room_id_key;
CREATE UNIQUE INDEX job_of_room ON job (kind, room_id) WHERE kind <> 'meet';
CREATE UNIQUE INDEX job_of_ghost ON job (room_id, target) WHERE kind = 'meet';
