"""SIP phones: sans-I/O transactions, dialogs, registrar; pyVoIP in one file; RTP packets."""
