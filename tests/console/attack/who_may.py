"""Who may ask what: every way into the console, by hand, so that none is opened by mistake.

A new page fails the tests until it stands here; what stands here for a page that is not there yet
does no harm.
"""

from __future__ import annotations

from typing import Final

from appliance.policy.roles import Role

OP, CL, OF, DE, HE, TE = (
    Role.OPERATOR, Role.CLERK, Role.OFFICE, Role.DEPUTY, Role.HEAD, Role.TECHNICIAN,
)  # fmt: skip

STRANGERS: Final = {
    "GET /",
    "GET /alive",
    "GET /ca.crt",
    "GET /done/{token}",
    "GET /first",
    "GET /login",
    "POST /done/{token}",
    "POST /first",
    "POST /language",
    "POST /login",
    "POST /logout",
}
"""What is answered without a login."""

WHO_MAY: Final[dict[str, set[Role]]] = {
    "GET /account": {OP, CL, OF, DE, HE, TE},
    "POST /account/language": {OP, CL, OF, DE, HE, TE},
    "POST /account/password": {OP, CL, OF, DE, HE, TE},
    "GET /audit": {HE, TE},
    # the operator's desk
    "GET /desk": {OP, CL, HE},
    "GET /desk/interrupted": {OP, CL, HE},
    "GET /desk/known/{call}": {OP, CL, HE},
    "GET /desk/live": {OP, CL, HE},
    "GET /desk/offices": {OP, CL, HE},
    "GET /desk/return": {OP, CL, HE},
    "GET /desk/search": {OP, CL, OF, DE, HE},
    "GET /desk/sheet/{code}": {OP, CL, OF, DE, HE},
    "POST /desk/call-back": {OP, CL, HE},
    "POST /desk/call-closed": {OP, CL, HE},
    "POST /desk/head": {OP, CL, HE},
    "POST /desk/note": {OP, CL, HE},
    "POST /desk/position": {OP, CL, HE},
    "POST /desk/remind": {OP, CL, HE},
    "POST /desk/request": {OP, CL, HE},
    "POST /desk/sheet-used": {OP, CL, HE},
    "POST /desk/state": {OP, CL, HE},
    "POST /desk/transfer": {OP, CL, HE},
    # calls, messages and calls without one
    "GET /calls": {OP, CL, HE, TE},
    "GET /calls/{call}": {OP, CL, HE, TE},
    "GET /messages": {OP, HE},
    "GET /messages/waiting": {OP, HE},
    "GET /messages/{number:int}": {OP, HE},
    "GET /messages/{number:int}/progress": {OP, HE},
    "GET /messages/{number:int}/sound": {OP, HE},
    "POST /messages/{number:int}/call-back": {OP, HE},
    "POST /messages/{number:int}/{step}": {OP, HE},
    "GET /missed": {OP, HE},
    "GET /missed/{number:int}": {OP, HE},
    "GET /missed/{number:int}/progress": {OP, HE},
    "POST /missed/{number:int}/call-back": {OP, HE},
    "POST /missed/{number:int}/{step}": {OP, HE},
    # requests and reports
    "GET /appointments": {OP, CL, OF, HE},
    "GET /requests": {OP, CL, OF, HE},
    "GET /requests/new": {OP, CL, HE},
    "POST /requests/new": {OP, CL, HE},
    "GET /requests/{number:int}": {OP, CL, OF, HE},
    "GET /requests/{number:int}/sound": {OP, CL, OF, HE},
    "POST /requests/{number:int}/{step}": {OP, CL, OF, HE},
    "GET /requests/{number:int}/paper": {OP, CL, HE},
    "GET /requests/{number:int}/mails/{mail:int}": {OP, CL, HE},
    "GET /requests/{number:int}/mails/{mail:int}/as/{kind}": {OP, CL, HE},
    "POST /requests/{number:int}/mails/{mail:int}/again": {OP, CL, HE},
    "GET /handover": {OP, CL, HE},
    "POST /handover": {OP, CL, HE},
    "POST /handover/leave": {OP, CL, HE},
    "POST /handover/take/{number:int}": {OP, CL, HE},
    "GET /reports": {HE},
    "GET /reports.csv": {HE},
    "GET /retention": {HE},
    "POST /retention/erase": {HE},
    "POST /retention/export": {HE},
    # sheets and announcements
    "GET /sheet/{code}": {OP, CL, OF, DE, HE},
    "GET /sheets": {OP, CL, OF, DE, HE},
    "GET /sheets/edit": {HE},
    "POST /sheet/{code}/remove": {HE},
    "POST /sheets/check": {HE},
    "POST /sheets/edit": {HE},
    "POST /sheets/save": {HE},
    "POST /sheets/upload": {HE},
    "GET /hours": {OP, CL, DE, HE, TE},
    "GET /hours/new": {HE},
    "POST /hours/new": {HE},
    "POST /hours/revoke": {HE},
    "GET /hours/week": {HE},
    "POST /hours/week": {HE},
    "POST /hours/week/revoke": {HE},
    "GET /announcements": {HE},
    "GET /announcements/{language}/{key}": {HE},
    "GET /announcements/{language}/{key}/sound": {HE},
    "POST /announcements/{language}/{key}": {HE},
    "POST /announcements/{language}/{key}/restore": {HE},
    # the register of offices
    "GET /explain": {DE, HE, TE},
    "GET /register": {OP, CL, DE, HE, TE},
    "GET /register/new": {HE},
    "GET /register/office/{unit}": {OP, CL, DE, HE, TE},
    "GET /register/office/{unit}/authorise": {HE},
    "GET /register/office/{unit}/declare": {HE},
    "GET /register/vary": {DE, HE},
    "GET /register/year": {OP, CL, DE, HE, TE},
    "POST /register/new": {HE},
    "POST /register/office/{unit}/authorise": {HE},
    "POST /register/office/{unit}/declare": {HE},
    "POST /register/office/{unit}/edit": {HE},
    "POST /register/office/{unit}/number": {HE},
    "POST /register/office/{unit}/revoke": {HE},
    "POST /register/office/{unit}/tell": {OP, CL, HE},
    "POST /register/vary": {DE, HE},
    # the technician's
    "GET /plant": {TE},
    "GET /plant/live": {TE},
    "GET /plant/log": {TE},
    "GET /plant/mail": {TE},
    "GET /plant/mail/test/{number:int}": {TE},
    "GET /plant/records": {TE},
    "POST /plant/leds": {TE},
    "POST /plant/restart": {TE},
    "POST /plant/mail/test": {TE},
    "POST /plant/mail/{number:int}/drop": {TE},
    "POST /plant/mail/{number:int}/retry": {TE},
    # users
    "GET /users": {HE, TE},
    "GET /users/{name}": {HE, TE},
    "POST /users": {HE, TE},
    "POST /users/{name}": {HE, TE},
    "POST /users/{name}/password": {HE, TE},
}
"""What is answered after a login, and to whom."""
