//! A pretend WebQQ, standing apart: it shares no wire code with the client.
