"""One voucher's life: code, holds, handovers, reminders, expiry and trace."""
