"""Who will respond, remit and stay well after ketamine-assisted psychotherapy, per condition."""
