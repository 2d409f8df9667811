// Nothing to do: that a browser takes this at all says that it trusts the box (certificate.js).
