"""The month of a venue: statement, venue report, reconciliation, disputes and closing."""
