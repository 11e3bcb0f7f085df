//! Commands that people write to the bridge bot.
