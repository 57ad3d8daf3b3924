"""What everything else stands on: settings, clock, ids, encryption, logs, language, problems."""
