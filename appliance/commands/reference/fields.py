"""Descriptions of the fields in the commands' JSON Schemas, in English, for programmers.

A schema is read like an API reference, in English alone: its sentences are not in the catalogue.
"""

from __future__ import annotations

from typing import Final

from appliance.commands.reference.shapes import JsonSchema

FIELDS: Final = {
    "about": 'case that the call is about: "message:12", "request:7" or "call:ID"; "" for none',
    "audit/about": 'code or number of what was changed; "" for none',
    "absent": "when and by whom all were set absent (no phone rings); null if not set",
    "accepted": "transfers that an office took",
    "address": 'address and port at which the phone is registered; "" for none',
    "phones/list/address": 'fixed address of the phone; "" for one that registers',
    "address-book/address": 'postal address of the body; "" if not known',
    "ahead": "special times of the office in the next 60 days",
    "all_ms": "how long all lines were engaged at once, ms",
    "allowed": "whether a call may be transferred for the need at that time",
    "answered": "calls that a person answered",
    "dev/answered": "whether the box answered the call",
    "answered_after_s": "time from placing the call to its answer, s; null without an answer",
    "answered_at": "when it was last answered, by a person or by voicemail; null for never",
    "answers": "whether the phone responds to the box's checks",
    "phones/list/answers": (
        "whether the phone responds to the box's checks; null while the service does not run"
    ),
    "appointments": "requests for an appointment that were taken in the period",
    "asked": 'question of the citizen in full; "" if the subject or a recording says all',
    "report/asked": "transfers to offices that were begun",
    "at": "when this was done",
    "backups/at": "when the newest backup was made, by its name; null without a backup",
    "explain/at": "time that the answer is for",
    "explain-transfer/at": "time that the answer is for",
    "mailed/at": 'when the e-mail was sent (ISO 8601); "" if not known',
    "selftest/at": "when the self-test began",
    "status/at": "when the status was taken",
    "status/recoveries/at": "when the step was taken",
    "status/night/at": "when the night's work was done",
    "at_ms": "when that many lines were first engaged, ms since 1970; null if none was",
    "attachment": 'name of the stored file with the written ground; "" for none',
    "attention": "what the supervisor has to see to, each in every language",
    "register/authorisations_expired": "numbers of the authorisations that have expired",
    "register/authorisations_expiring": "numbers of the authorisations that expire soon",
    "auto_answer": (
        "what the phone did when it was told to answer by itself: it did (seen), it rang until it "
        "was lifted (rings), not known yet (unknown)"
    ),
    "away": "phones of the group's positions that are away",
    "service/away": "phones of the positions that are away, each with when and by whom it was set",
    "backup": "file name of the newest backup; null without a backup",
    "boot": (
        "reason of the box's last start: asked (by a person or an update), first (of this memory "
        'card), power (failed, or the box hung), service (kept dying), watchdog; "" if not known'
    ),
    "branch": "name of the box in boxes.toml and of its folder of backups",
    "mqtt/broker": "address of the broker",
    "by": "who did or set this",
    "positions/by": 'who set the position away, "automatic" after missed calls; "" if not away',
    "by_filter": "calls that the front desk or a spoken sheet answered, without a transfer",
    "by_hours": "whether it ends at the next change of the opening hours",
    "bytes_heard": "sound that the caller heard, bytes",
    "bytes_heard_to_end": "sound that the caller heard until the conversation ended, bytes",
    "bytes_said": "sound that the caller said, bytes",
    "call": 'id of the call; "" for none',
    "callback_wanted": "whether the caller asked for a call back, or the message was not stored",
    "called": 'public number of the line that was called; "" or null if not known',
    "lines/called": 'public number that leads to the line; "" if not known or several do',
    "called_back": "lost calls whose caller was called back on the same day",
    "show/called_back": "ids of the calls that were placed to call the caller back, newest first",
    "caller": "number of the caller; null if not known, or erased",
    "status/caller": "the person outside, as far as known",
    "caller_name": 'name of the person outside, or the office called; "" or null if not known',
    "caller_number": 'number of the person outside; "" if not known, or erased',
    "caller_presentation": "whether the number was shown; unknown: the exchange told nothing",
    "calls": "calls from outside that were received",
    "due/calls": "ids of the calls that would be deleted",
    "erase/calls": "calls that lost all data of the person, or would",
    "status/calls": "calls from outside that are going on",
    "calls_unclosed": "open missed calls of which an alert says that nobody called back",
    "calls_unseen": "open missed calls of which an alert says that nobody looked at them",
    "can_alternate": "whether the person can change between caller and office",
    "can_answer": "ids of the calls that the phone may take, first the one that is meant",
    "can_dial": "whether the phone can dial: it is reached and not engaged",
    "can_hand_over": "whether the caller can be handed over to the office that has answered",
    "can_hang_up": "whether the person can hang up at the screen",
    "can_hold": "whether the person outside can be put on hold",
    "can_resume": "whether the person outside can be taken back from hold",
    "cancelled": "whether it was closed because the citizen does not want it any more",
    "card": "the memory card; null before the first check",
    "care": "open cases by kind",
    "case": 'case that the call is about: "message:12", "request:7" or "call:ID"; "" for none',
    "cases": "calls, messages or requests on which the measured share rests",
    "central": "sentences about the settings of the head office",
    "changes_at": "when time alone changes the answer next; null if not known",
    "check": "code of the check",
    "check_by": "day by which the entry is to be checked again",
    "checked_by": "who checked the entry last",
    "checked_on": "day on which the entry was checked last",
    "checks": "results of the checks, causes before what follows from them",
    "citizens_desk": "the citizens' counter; null where there is none",
    "clock_state": (
        "trust in the clock at the time: a time server confirms it (synced), confirmed before "
        "(holdover), too long ago or never since power-on (stale), never set (unset); corrected: "
        "the times were put right later"
    ),
    "closed": "when and by whom the office was closed by hand; null if not set",
    "hours/closed": "whether the entry closes on every day",
    "closed_at": "when it was closed; null while it is open",
    "closed_by": "who closed it; null while it is open",
    "code": "reason as a stable code",
    "address-book/code": "code of the entry",
    "directory/code": "code of the office, or of its need",
    "sheets/code": "code of the sheet",
    "condition": (
        "last measurement of the idle line: in_use by a telephone beside it, no_line: no voltage, "
        "unknown: not measured"
    ),
    "configured": "opening hours of each weekday in the configuration, from Monday",
    "confirmed": "whether the office has agreed to the appointment; null without a time",
    "mqtt/connected": "whether the box is connected to the broker",
    "controls": "what the person at each position can do with the phone now",
    "count": "number of items that were deleted",
    "night/damaged": "whether the database was found damaged",
    "day": "day for which the hours are shown",
    "days": (
        "retention in days of closed messages, callers' numbers and calls, by these names; "
        "0 for ever"
    ),
    "deletions/days": "retention in days by which they were deleted",
    "de": "text in German",
    "declaration": (
        "number of the office's declaration that allowed the transfer or is in force; "
        "0 or null for none"
    ),
    "declarations": "number of declarations in the file",
    "degraded": "what is wrong, the gravest first; empty if nothing is",
    "deletions": "the last 20 deletions by age, newest first",
    "card/device": 'kernel\'s name of the block device; "" if not known',
    "digits_sent": "keys that the caller pressed",
    "direction": "in: received from outside; out: placed by a position",
    "disabled": "whether the account is disabled",
    "divert_on_busy": "whether the telephone company diverts callers while all lines are engaged",
    "doubt": (
        "rule while the clock cannot be trusted: phones ring (open), voicemail answers (closed), "
        "the hours hold (hours)"
    ),
    "mqtt/dropped": "events ever dropped, as there was no room for them",
    "mqtt/dropped_at": 'when the last event was dropped; "" for never',
    "due": "day by which the office has to answer",
    "retention/due": "what would be deleted now; null without --preview",
    "duplex": "whether the line carries a conversation; null if not known yet",
    "earlier_calls": "ids of calls of the ten minutes before that may be of the same caller",
    "email": 'e-mail address; "" for none',
    "emails": "requests by e-mail that were taken in the period",
    "en": "text in English",
    "ended_after_s": "time from placing the call to the end of the conversation, s; null for none",
    "ended_at": "when it ended; null before that",
    "ended_by": 'who ended the link; "" while it is open',
    "dev/ended_by": 'who or what ended the call: caller, host (the box), gave up …; "" for nothing',
    "probe/ended_by": 'terminator at which the modem ended its voice mode; "" if not tried',
    "endings": (
        "calls by their end: filter (a person answered, no transfer), informed (heard a sheet), "
        "transferred, returned (no office took it), voicemail, lost, other (fax, or taken at a "
        "telephone beside the line)"
    ),
    "ends": "number of the entry that this one revokes; 0 for none",
    "requests/ends": "end of the appointment; null without a time",
    "engaged": "phones of the group's positions that ring or talk",
    "entries": "entries of ordinary weeks, newest first",
    "entry": "number of the entry that set the week; 0 for the configured one",
    "card/errors": "errors of the file system since it was made; null if not known",
    "every_unit": "sums of all offices",
    "evidence": (
        "how the end was noticed: gave_up (it stopped ringing), chip_busy and chip_dial (tones "
        "told by the modem), loop (current interrupted), parallel_phone (taken at another "
        "telephone), limit (longest duration), fax, emergency (the line was needed), signalled (by "
        "the other branch), operator (hung up first), own (the box hung up), lost (the line), "
        "stopped (the box); null before that"
    ),
    "excerpt": "words of the sheet around the match",
    "register/expiring": "declarations that expire soon",
    "extension": "extension of the phone",
    "failed": "times of the calls back in vain, oldest first",
    "fetched": 'when the phone last fetched its configuration (ISO 8601); "" for never',
    "fetched_by": 'address that fetched the configuration last; "" for never',
    "figures": "measured values of the check, by name",
    "first": 'first day; "" or null for an entry without one',
    "flashes_ms": "length of each hook flash of the box, ms",
    "followed_by": 'who follows the request at the front desk; "" for nobody',
    "form": "form of the appointment: in person, or who calls whom; null without a time",
    "free": "phones of the group's positions that are there and not engaged",
    "card/free_mb": "MiB free",
    "from": "first day of the report",
    "gap_ms": "sound that was lost and is silence in the file, ms",
    "gigaset_pin": "first four digits of the menu code, as Gigaset bases ask for them",
    "greeting": 'announcement that voicemail plays, without language; "" for the usual one or none',
    "groups": "ordinary week of today, of each group",
    "has_password": "whether the box has a SIP password for the phone",
    "head": "the supervisor's part in the call; null for none",
    "health": "sound in the last period of measurement; null before the first",
    "heard": "who has heard the message and when, oldest first",
    "heard_rate": "samples a second that came from the modem",
    "history": "what was done about the case, oldest first",
    "holds": "whether the entry counts: neither revoked nor (special hours) past",
    "hours": "time windows on that day, as 09:00-12:00",
    "backups/hours": "age of the newest backup, whole hours; null without a backup",
    "numbers/hours": 'hours of the number, as written; "" if not known',
    "report/hours": "figures by the hour of the ring, 0 to 23",
    "id": "id of the message",
    "interrupted": "whether a power cut, a fault or a full disk ended the recording",
    "care/interrupted": "open missed calls that a restart of the box cut off",
    "is_configured": "whether the week is that of the configuration",
    "is_over": "whether the quarter is over",
    "is_to_come": "whether the entry counts from a later day on",
    "it": "text in Italian",
    "jitter_dropped": "frames of 20 ms dropped to catch up, in the calls going on",
    "jitter_lost": "packets from phones that were lost, in the calls going on",
    "key": "key of the e-mail: it is sent once, however often it is queued",
    "keys": 'keys that an operator presses to transfer for the need; "" for none',
    "keywords": "words by which the entry is found, too",
    "kind": "declaration, variation (for some days) or authorisation (to tell a number)",
    "label": 'name that people read; "" for none',
    "language": "language of the citizen",
    "users/language": 'language of the person; "" for the site\'s first one',
    "languages": "voice of each language: the box's own one, or the recorded one",
    "last": 'last day, included; "" or null for none',
    "supervision/last": "when the part was restarted last; null for never",
    "late": "whether the part has given no sign of life for too long",
    "backups/late": "whether the newest backup is too old (--hours), missing or unreadable",
    "late_max": "greatest lateness of a tick, ms",
    "late_p50": "median of the ticks' lateness, ms",
    "late_p99": "99th percentile of the ticks' lateness, ms",
    "law": "coding of the sound: alaw or ulaw (G.711), linear8 or linear16 (PCM)",
    "lead_min": "least sound in store in a modem, ms; 0 without a call",
    "length_ms": "length of the message, ms",
    "lift": "whether the phone rings and must be lifted, as it does not answer by itself",
    "limit": "how often the part is restarted and what follows, in words; null without a limit",
    "line": 'name of the line, or of the branch that handed the caller over; "" for none yet',
    "dev/line": "number of the simulated line",
    "line_freed_after_s": "time from placing the call to the box's hang-up, s; null for none",
    "lines": "lines in the configuration's order",
    "peaks/lines": "most lines engaged at once",
    "link": 'address of the application that the counter uses; "" for none',
    "log_cut": "whether the database's log was cut, so that erased data is not in it either",
    "longest_wait_s": "longest time from the ring to a person's answer, s; null without any",
    "mac": 'MAC address of the phone; "" if not known',
    "made_at": "when the link was made",
    "made_by": "who made the link",
    "mailed": "e-mails with the data that had left the box before",
    "mails": "e-mails that were erased, or would be",
    "make": 'make of the phone; "" if not known',
    "may_tell": "whether callers may be told the number",
    "mean_wait_s": "mean time from the ring to a person's answer, s; null without any",
    "measured": "measured share, %; null without any case",
    "menu_code": "administrator's code for the menu of a phone, digits alone",
    "message": 'id of the message that the caller left; "" for none',
    "message_id": "Message-ID of the e-mail",
    "messages": "messages that were erased, or would be",
    "due/messages": "numbers of the messages that would be deleted",
    "met": "whether the promise was kept; null if nothing was promised or measured",
    "mine": 'id of the call that the phone is in; "" for none',
    "missed": "missed calls that are open",
    "missing": "what no test call has proven yet; null for nothing",
    "modem": 'what the modem says of itself; "" if not known',
    "months": "figures by month, as 2026-10",
    "mqtt": "link to the MQTT broker; null if none is configured",
    "must_change": "whether the person has to choose a new password at the next login",
    "name": "name in the configuration",
    "address-book/name": "name of the body",
    "caller/name": 'name of the person outside, or of the office called; "" if not known',
    "directory/name": "name that people read",
    "requests/name": 'name of the citizen; "" if a recording tells it',
    "users/name": "name for the login",
    "wall/name": "name of the screen",
    "need": 'code of the need for which an office is asked; "" for none',
    "needs": "needs that the office has declared, with their hours on the day",
    "report/needs": "figures by need, as office.need",
    "sheets/needs": "codes of the needs that the sheet is about",
    "night": "work of the last night; null before the first",
    "note": 'note of the person; "" or null for none',
    "address-book/note": 'note for the operator; "" for none',
    "number": "number by which commands and people name it",
    "caller/number": 'number of the person outside; "" if not known, or erased',
    "numbers/number": "telephone number",
    "number_class": (
        "kind of number called: local (own area), service (short codes), premium (costs more), "
        'none (cannot be dialled) …; "" for a call received'
    ),
    "numbers": "telephone numbers of the body",
    "divert_on_busy/numbers": "result by public number; null if not tested",
    "due/numbers": "ids of the calls that would lose their caller's number",
    "report/numbers": 'figures by the public number called; "" if not known',
    "of": "number of lines",
    "office": "code of the office",
    "transfer/office": "name of the office",
    "official": 'official in charge; "" if not public',
    "officials": "officials in charge whom the sheets name; for a return alone",
    "open": "whether people answer now",
    "list/open": "whether somebody has to call back: not closed, and not served since",
    "report/open": "requests that are open now, whenever taken",
    "open_calls": "calls among them, missed, that were neither closed nor served",
    "open_requests": "numbers of the requests among them that were open",
    "opened": "when and by whom the office was opened outside its hours; null if not set",
    "operator": "phone that transferred the call",
    "origin": 'branch that handed the caller over; "" for a line of the box',
    "outcome": "outcome of the closing; null for none",
    "checks/outcome": "result of the check",
    "divert_on_busy/outcome": (
        "diverted, busy (the caller heard busy) or no_divert (as the supervisor states); null if "
        "not tested, or not the same for every number"
    ),
    "outgoing": "calls of positions to numbers outside",
    "overdue": "whether the office has not answered in time",
    "care/overdue": "requests that offices have not answered in time",
    "report/overdue": "requests that are overdue now, whenever taken",
    "overflow": "calls that went on to the citizens' counter",
    "overruns": "times that a modem's buffer was full, as modems report",
    "part": "code of the part",
    "password": "administrator's password of the phones' web pages",
    "path": "path of the sound file",
    "dev/path": 'file with the sound that the caller heard; "" for none',
    "peaks": 'most lines engaged at once, of "today" and of the "month"; empty without records',
    "phone": 'phone of a position; of a call the one that has it, or had it last; "" or null: none',
    "requests/phone": 'telephone number of the citizen; "" for none',
    "phones": "phones and whether they are reached",
    "head/phones": "phones of the supervisor that ring, or the one in the call",
    "steps/phones": "phones that ring",
    "position": 'phone at which the person sits; "" for none',
    "positions": "positions in the configuration's order",
    "report/positions": "figures by the phone that answered; empty without an agreement on that",
    "prefers": "how the citizen prefers to be answered",
    "presentation": "whether the number was shown; unknown: the exchange told nothing",
    "promised": "promised share, %; 0 if nothing is promised",
    "queue": "calls that wait for a position, the next one first",
    "queued_at": "when the e-mail was queued",
    "rang": "when the first ring was heard",
    "rang_at": "when the first ring was heard; of a call out: when it began",
    "rang_ms": "instant of rang_at, ms since 1970",
    "reach": "how the number is reached: SIP phone, extension of a PBX, over a second line",
    "reason": 'why the call took that way, or was not placed, as a stable code; "" for none yet',
    "hours/reason": "name of the special hours, as told to people",
    "lines/reason": (
        "code of what is wrong with the line; missing: no modem; sound: the media gateway is gone; "
        'not_idle: not idle after hanging up; fault: modem or trunk, see why; "" for nothing'
    ),
    "outbox/reason": 'why a person dropped the e-mail; "" for none',
    "received": "when the call rang that left the message",
    "record": "record of the call so far",
    "recording": 'sound file with the caller\'s words, in the state folder; "" for none',
    "recoveries": "steps to recover a modem since the start, oldest first, by line",
    "reference": "written ground, such as an e-mail or a protocol number",
    "refused": "why the call was not transferred; empty texts for nothing",
    "register": "the directory in figures",
    "registered": (
        'address and port at which the phone is registered; "" for none, null while the service '
        "does not run"
    ),
    "release": 'how the caller\'s hang-up showed on the line: busy, loop …; "" if it did not',
    "release_ms": "time from the first sign of the end to certainty, ms; null if not measured",
    "reopens_at": "when people answer again; null if not known or not closed",
    "request": "number of the request that the e-mail is about; null for none",
    "requests": "requests that were erased, or would be",
    "care/requests": "requests that offices have not answered",
    "restarts": "number of restarts since power-on",
    "result": (
        "how the call ended: informed (heard a sheet), gave_up (hung up while it rang), taken (at "
        "a telephone beside the line), not_stored (message lost), not_reached (nobody outside "
        "answered), refused (number not allowed), lost (line failed), stopped (the box was), "
        "interrupted (by a restart); open while it goes on"
    ),
    "resumes_at": "when a transfer is possible again; null if not known",
    "returned": (
        "why the last transfer came back: refused (by the clerk), sent_back (not competent), "
        'taken_back (by the operator), lost (telephone gone) …; "" if it did not'
    ),
    "report/returned": "transfers that came back or were not finished, by the reason",
    "returns": "what is offered for a transfer that comes back",
    "revoked": "end of an authorisation; null if it was not revoked, or for other entries",
    "ring_ms": "how long they ring, or the caller waits, ms; 0 for neither",
    "ring_start_s": "time from placing the call to the first ring, s; null for none",
    "ringing": "phones that ring for the call",
    "rings": "whether the phone rings for a colleague or a call back, without a caller",
    "dev/rings": "number of rings",
    "roles": "roles of the person",
    "rule": "what the office was asked for: an appointment, or an answer by e-mail",
    "rules": "requests that may be taken once the call has come back",
    "said": "the entry in one line",
    "checks/said": "what was measured, or what is wrong and what to do",
    "outbox/said": 'last answer of the mail server; "" for none',
    "supervision/said": "name of the part",
    "said_by": 'who reported this to the person; "" for nobody',
    "say": "sentence of the office for a caller who is not put through; for a return alone",
    "address-book/say": 'sentence to tell the caller; "" for none',
    "seconds": "length of the self-test, s",
    "seen": "what was seen of the modem",
    "sent_rate": "samples a second that the modem took",
    "sentence": "reason in words",
    "sentence_de": "reason in German",
    "sentence_en": "reason in English",
    "sentence_it": "reason in Italian",
    "served": "calls that a person or a spoken sheet answered",
    "served_later": "when the caller rang again and was served; null for never",
    "service": "states that people have set by hand",
    "directory/service": 'code of the service that the office belongs to; "" for none',
    "settled_at": "when it was sent, given up or dropped; null while it is queued",
    "settled_by": 'who dropped it; "" for nobody',
    "sha256": "SHA-256 of the whole sound file",
    "sheet": 'code of the sheet that did not answer the question; "" for none',
    "sheets": "codes of the sheets that answered the caller",
    "shown": "name of the person, as shown",
    "silent_s": "time without a sign of life after which the part is late, s; null for no check",
    "since": "from when this has been so; null if not known",
    "groups/since": 'first day of the week that an entry set; "" for the configured one',
    "entries/since": 'first day of the week; "" for a revocation',
    "outgoing/since": "when it was answered, before that when it began",
    "source": "rule or document that the sheet rests on",
    "spoken": "whether a recording tells name, contact and question",
    "stage": "last code of the call's trail; null for none",
    "standard": "promise, as its key in [standards]",
    "standards": "promises beside what was measured",
    "starts": "beginning of the appointment; null without a time",
    "state": (
        "state of the call; pbx_…: a PBX behind the line passes it on; clearing: hung up, the line "
        "is not idle yet"
    ),
    "outbox/state": "queued; sent: the mail server has it; dead: given up; dropped by a person",
    "calls/list/state": "new: nobody's; taken: by one person; closed",
    "lines/state": (
        "missing: no modem, or nothing known yet; in_use_outside: by a telephone beside the box; "
        "clearing: being hung up; no_line: no voltage; out: of service"
    ),
    "messages/state": "new: nobody's; taken: by one person; closed",
    "positions/state": "state of the position; away counts first",
    "requests/state": (
        "open: not e-mailed yet; sent: e-mailed, not answered; taken: by a person of the office"
    ),
    "states": 'states set by hand, by name; "away:PHONE" for a position',
    "citizens_desk/state": "what the counter can do for a caller now",
    "switchboard/state": "what the switchboard can do for a caller now",
    "status": "exit status: 0 the box is well, 1 it is not, 2 not known",
    "step": "what was done",
    "recoveries/step": "code of the recovery step",
    "steps": "what happens to the call, each if nobody has answered before",
    "requests/steps": "what was done about the request, oldest first",
    "strong_password": "password for makes that also ask for a capital letter and punctuation",
    "stuck_writes": "writes that a modem's port did not take whole, in the period",
    "subject": "subject of the request or e-mail",
    "supervision": "restarts of the box's parts",
    "switchboard": "the switchboard",
    "taken_by": 'who deals with it; "" or null for nobody',
    "talked_s": "length of the conversation, s",
    "talks": "whether the supervisor is in the conversation",
    "target": 'name of the office\'s number that answered the last transfer; "" for none',
    "targets": "numbers to be tried, in this order, without their digits",
    "texts": "texts elsewhere in which the number was erased, or would be",
    "third_ring": "calls that a person answered within 15 s, by the third ring",
    "ticks": "number of ticks of 20 ms in the period",
    "title": "title of the sheet",
    "checks/title": "name of the check",
    "to": 'recipient: an e-mail address, or "head" for the supervisor\'s',
    "history/to": "colleague who was given the case; null for other steps",
    "report/to": "last day of the report",
    "today": "today at the office",
    "told": "codes of the address book's entries of which the caller was told a number",
    "total": "figures of all calls",
    "card/total_mb": "MiB in all",
    "trail": "what happened, oldest first, as stable codes",
    "transfer": "the call's transfer or return; null for none",
    "transfer_found": 'what the extension did then: ringing, answered, busy …; "" for none',
    "transfer_reason": (
        'why the operator transferred: topic, depth (of the question), other; "" for no transfer'
    ),
    "transferred_to": 'extension to which the box transferred the call; "" for none',
    "tried": "the step in words",
    "tries": "number of attempts to send it",
    "trouble": "what prevents the step; empty texts for nothing",
    "troubles": "what is wrong with configuration or parts",
    "unattended": "when and by whom the switchboard was set unattended; null if not set",
    "unclosed": "messages of which an alert says that nobody closed them",
    "register/undeclared": "codes of the offices without a valid declaration",
    "underruns": "times that a modem had no sound to play, as modems report",
    "unheard": "messages of which an alert says that nobody heard them",
    "unit": 'code of the office; "" for none, or the whole switchboard',
    "units": "figures by office",
    "check/units": "number of offices in the file",
    "register/units": "number of offices",
    "unreachable": "phones of the group's positions that cannot be reached",
    "until": "when it ends by itself; null if a person has to end it",
    "updated": "day on which the sheet was last updated",
    "verdict": "whether the modem carries both directions at once; no_answer: nothing is proven",
    "voice": "voice that the configuration names",
    "waiting": "messages that nobody has closed",
    "transfer/waiting": "whether the caller is held until an operator is free",
    "mqtt/waiting": "events that wait to be sent",
    "check/by_day": (
        "what happens by day on a line that carries no conversation, or may not; null if it does"
    ),
    "settings/history/at": "when the change was made, with the site's offset from UTC",
    "history/automatic": "whether the box itself undid a change that nobody confirmed",
    "settings/history/by": "login of who made the change, or its shell; centralino for the box",
    "settings/history/name": "name of that person; as `by` where no name is known",
    "settings/history/number": "number of the change, by which it can be undone",
    "history/changes": "what the change did, a sentence each in every language",
    "check/changes_at": "when the switchboard opens or closes next by its hours; null for never",
    "check/citizens_desk": "phones of the citizens' counter, by name",
    "check/derived": "what the box takes where the configuration says nothing, and entered weeks",
    "check/duplex": "whether the line carries a conversation; null until its modem is asked",
    "check/emergency_numbers": "numbers that every phone can call; empty if no line carries a call",
    "check/file": "path of the configuration",
    "check/good": "whether the configuration can be used",
    "check/label": "name of the line for people: its public number, or its label",
    "check/mistakes": "every mistake that can be known; empty if the file cannot be read at all",
    "mistakes/line": "line in the file; null if not known",
    "mistakes/place": 'keys that lead to the value, as "lines.1.port"; "" for the whole file',
    "mistakes/text": "what is wrong and how to mend it, in every language",
    "check/lines": "the lines, in the order of the configuration",
    "check/notices": "what is missing or to be done, in every language",
    "check/open": "whether the switchboard is open now, by its hours",
    "check/patron_day": "the patron saint's day this year",
    "check/switchboard": "phones of the switchboard, by name",
    "check/why": "why the switchboard is open or closed now",
    "capacity/answered_percent": "callers answered within the wanted time, %",
    "capacity/busiest_hour": "the box's busiest hour; null for figures of one's own",
    "capacity/call_s": "mean length of a call, s",
    "capacity/days": "days that were evaluated",
    "capacity/engaged_percent": "callers who hear the engaged tone, %",
    "capacity/hour": "hour of the day, 0 to 23, local time",
    "capacity/lines": "callers who hear engaged, by the number of lines",
    "capacity/lines/lines": "number of lines",
    "capacity/lines_needed": "lines that are enough",
    "capacity/lines_today": "lines that the box has; null for figures of one's own",
    "capacity/mean_wait_s": "mean wait of all callers, s; null for a wait without end",
    "capacity/positions": "what callers meet, by the number of positions",
    "capacity/positions/positions": "number of positions",
    "capacity/positions_needed": "positions that are enough",
    "capacity/traffic_erlang": "traffic that is offered, erlang",
    "capacity/busiest_hour/traffic_erlang": "traffic on the lines, erlang",
    "capacity/wait_percent": "callers who wait, %",
    "capacity/wanted": "the service that is wanted",
    "capacity/within_s": "time in which calls are to be answered, s",
    "wanted": "open missed calls whose caller wants to be called back",
    "way": (
        "where the call goes, or went last: nobody (rings on beside the line); none or null if not "
        "decided"
    ),
    "website": 'website of the body; "" for none',
    "week": 'opening hours of each weekday, from Monday, as 09:00-12:00; "" for closed',
    "weekdays": "figures by weekday, 0 (Monday) to 6",
    "weeks": "entered weeks that hold or are to come",
    "night/well": "whether all of it went well",
    "what": "kind of data: messages, numbers (of callers) or calls",
    "audit/what": 'what was done, as a stable code such as "register.import"',
    "whose": "group whose hours these are; house for all",
    "why": "what is wrong with the line; empty texts for nothing",
    "mqtt/why": "why it is not connected; empty texts while it is",
    "within": "calls that a person answered within 20 s",
    "words": "what this means, as people read it; empty texts for nothing",
    "requests/steps/words": 'words of the person; "" for none',
    "night/words": "what was done, or failed",
    "card/written_mb": "MiB written to the card in its life; null if not known",
}
"""Descriptions by the field's name; where one name means two things, behind words of its place.

"care/requests" is any `requests` below a field or a command's word `care`.
"""


def keys_of(place: tuple[str, ...]) -> list[str]:
    """Return the table's keys that fit a field at `place`, its name last; the one meant first."""
    fitting = [key for key in FIELDS if _fits(key.split("/"), place)]
    return sorted(fitting, key=lambda key: key.count("/"), reverse=True)


def _fits(words: list[str], place: tuple[str, ...]) -> bool:
    """Tell whether the words are in a place in this order, and the last one is its name."""
    above = iter(place[:-1])
    return words[-1] == place[-1] and all(word in above for word in words[:-1])


def described(schema: JsonSchema, *place: str) -> JsonSchema:
    """Return a copy of the schema at `place` in which every field has its description."""
    made = dict(schema)
    if "properties" in made:
        made["properties"] = {
            name: {**_description((*place, name)), **described(each, *place, name)}
            for name, each in made["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = described(made[key], *place)
    for key in ("anyOf", "prefixItems"):
        if key in made:
            made[key] = [described(each, *place) for each in made[key]]
    return made


def _description(place: tuple[str, ...]) -> JsonSchema:
    """Return the description of a field as part of its schema; none if the table has none."""
    keys = keys_of(place)
    return {"description": FIELDS[keys[0]]} if keys else {}
