-- Which of their accounts people mean when they do not say.
ALTER TABLE "user" ADD COLUMN preferred TEXT;

-- Accounts through which nothing is said on QQ for now.
CREATE TABLE pause (
    login    TEXT   NOT NULL PRIMARY KEY,
    set_by   TEXT   NOT NULL,
    since_ms BIGINT NOT NULL
);
