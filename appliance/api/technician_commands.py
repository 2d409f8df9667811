"""Commands of the technician's pages, and about the box itself; see api.commands."""

from __future__ import annotations

from typing import Any

from appliance.api.codec import Code, Line, Name, Number, Secret
from appliance.api.commands import FREE, SHELL, Command, UserCommand
from appliance.api.replies import (
    Done,
    NewPhoneAccount,
    PartTaken,
    PhonesReply,
    PolicyWritten,
    Said,
)
from appliance.api.technician_replies import (
    ClockReply,
    DivertReply,
    JobsReply,
    ManagedConfigReply,
    ModemsReply,
    RestoreReply,
    SelfTestReply,
    SettingsDone,
    SettingsHistoryReply,
    SettingsListReply,
    SettingsPreview,
    SettingsReply,
    StickReply,
    SystemReply,
    TargetReply,
    UpdatesReply,
    VoiceReply,
)
from appliance.policy.users import Permission

# ---- jobs ----------------------------------------------------------------------------------------


class ShowVoice(Command[VoiceReply], ask="sheet_voice", needs=Permission.EDIT_SHEETS):
    """Return whether a sheet's sounds are being made, and the last result."""


class ShowSettings(Command[SettingsReply], ask="settings", needs=Permission.TECHNICAL):
    """Return the configuration in force, numbers hidden (P7), and its mistakes."""


class ListJobs(Command[JobsReply], ask="chores", needs=Permission.TECHNICAL):
    """Return the running job, and the last result of each kind."""


class JobCommand(UserCommand[Said]):
    """Base of jobs that a child process does; its passphrase is a line."""

    passphrase: str = ""


class CheckConfig(JobCommand, ask="config_check", needs=Permission.TECHNICAL):
    """Check the configuration file as it is now."""


class MakeBackup(JobCommand, ask="backup_make", needs=Permission.TECHNICAL):
    """Make a backup for the technician's page."""


class CheckBackup(JobCommand, ask="backup_check", needs=Permission.TECHNICAL):
    """Look through the uploaded backup."""


class FetchBackup(UserCommand[Said], ask="backup_fetch", needs=Permission.TECHNICAL):
    """Note that the backup made here is downloaded."""


class DropBackup(UserCommand[Said], ask="backup_drop", needs=Permission.TECHNICAL):
    """Delete the backup made here."""


class ShowSelfTest(Command[SelfTestReply], ask="selftest", needs=Permission.TECHNICAL):
    """Return whether a self-test is being done, and the last result."""


class RunSelfTest(UserCommand[Said], ask="selftest_run", needs=Permission.TECHNICAL):
    """Try the box on simulated lines, beside the service."""


# ---- system --------------------------------------------------------------------------------------


class ShowSystem(Command[SystemReply], ask="plant", needs=FREE):
    """Return the whole state; it holds no number and no password."""


class TestLeds(UserCommand[Said], ask="led_test", needs=Permission.TECHNICAL):
    """Light every LED for ten seconds."""


class ReopenLine(UserCommand[Said], ask="line_restart", needs=Permission.TECHNICAL):
    """Put a line on hook and open its port again; with a call only if `even_in_call`."""

    line: Code = ""
    even_in_call: bool = False


class ShowClock(Command[ClockReply], ask="clock", needs=FREE):
    """Return the time, and how far it is trusted."""


class ConfirmClock(
    UserCommand[Said],
    ask="clock_confirm",
    needs=frozenset({Permission.SET_STATES, Permission.TECHNICAL}),
):
    """Trust the time: a person has compared it with another clock."""


class SetClock(
    UserCommand[Said],
    ask="clock_set",
    needs=frozenset({Permission.SET_STATES, Permission.TECHNICAL}),
):
    """Set the clock; a time without an offset is the office's local one."""

    at: str = ""


class ShowDivert(Command[DivertReply], ask="divert", needs=Permission.TECHNICAL):
    """Return the proof of every public number, and the lines still free."""


class ProveDivert(UserCommand[Said], ask="divert_prove", needs=Permission.TECHNICAL):
    """Save a test call's result, or the statement that there is no divert."""

    number: str = ""
    outcome: str = ""
    where: Line = ""
    who: Line = ""
    asked: str = ""


class MailSheet(Command[Said], ask="mail_sheet", needs=SHELL):
    """Queue a unit's monthly sheet by mail."""

    unit: str = ""
    month: str = ""
    subject: str = ""
    body: str = ""


# ---- backups -------------------------------------------------------------------------------------


class ShowStick(Command[StickReply], ask="backup_stick", needs=Permission.TECHNICAL):
    """Return the backup stick, its last backup, and the last result."""


class SetUpStick(UserCommand[Said], ask="backup_stick_set_up", needs=Permission.TECHNICAL):
    """Set the plugged-in stick up, or with "" write to the one that is.

    `uuid` is the chosen one's, "" for the only one.
    """

    passphrase: str
    uuid: str = ""


class LookAtSticks(UserCommand[Said], ask="backup_stick_look", needs=Permission.TECHNICAL):
    """List the plugged-in sticks anew."""


class ForgetStick(UserCommand[Said], ask="backup_stick_forget", needs=Permission.TECHNICAL):
    """Write no more backups to the stick."""


class ShowRestore(Command[RestoreReply], ask="restoring", needs=Permission.TECHNICAL):
    """Return whether a restore waits or is possible, and the last result."""


class RestoreBackup(UserCommand[Said], ask="backup_restore", needs=Permission.TECHNICAL):
    """Restore the uploaded backup, which replaces everything: `sure`."""

    passphrase: str
    sure: bool = False


class ShowTarget(Command[TargetReply], ask="backup_target", needs=Permission.TECHNICAL):
    """Return the backup target, its last backup, and our public key."""


class WriteToTarget(UserCommand[Said], ask="backup_target_write", needs=Permission.TECHNICAL):
    """Write a backup to the target now."""


class LookAtTarget(UserCommand[Said], ask="backup_target_look", needs=Permission.TECHNICAL):
    """Ask the target's server for its key."""


class SetUpTarget(UserCommand[Said], ask="backup_target_set_up", needs=Permission.TECHNICAL):
    """Set the target up with the accepted key or the password."""

    host_key: Secret = ""
    passphrase: Secret = ""
    password: Secret = ""


# ---- updates and managed configuration -----------------------------------------------------------


class ShowUpdates(Command[UpdatesReply], ask="updates", needs=Permission.TECHNICAL):
    """Return the running version, the last update's state, call control's health."""


class UpdateCommand(UserCommand[Said]):
    """Base of the steps of an update, each of which a person has confirmed: `sure`."""

    sure: bool = False


class InstallUpdate(UpdateCommand, ask="update_install", needs=Permission.TECHNICAL):
    """Install the uploaded version."""


class StartUpdate(UpdateCommand, ask="update_start", needs=Permission.TECHNICAL):
    """Start the installed version as soon as nobody is on the phone."""


class GoBack(UpdateCommand, ask="update_back", needs=Permission.TECHNICAL):
    """Start the previous version."""


class GiveUpUpdate(UpdateCommand, ask="update_give_up", needs=Permission.TECHNICAL):
    """Give the update up."""


class ShowManagedConfig(Command[ManagedConfigReply], ask="central", needs=Permission.CENTRAL):
    """Return the version in force and the results of the last fetch and jobs."""


class LoadManagedConfig(Command[Done], ask="central_changed", needs=SHELL):
    """Load what a command line has put in force."""

    schedule: bool = False


class ManagedConfigJob(UserCommand[Said]):
    """Base of the jobs on the head office's settings."""


class CompareSettings(ManagedConfigJob, ask="central_show", needs=Permission.CENTRAL):
    """Show what the uploaded settings would change."""


class ApplySettings(ManagedConfigJob, ask="central_apply", needs=Permission.CENTRAL):
    """Put the uploaded settings in force."""


class RevertSettings(ManagedConfigJob, ask="central_revert", needs=Permission.CENTRAL):
    """Put the previous settings in force."""


class SendPolicy(UserCommand[PartTaken], ask="policy_part", needs=SHELL):
    """Take a part of a command line's change of the policy."""

    at: Number
    data: bytes = b""


class WritePolicy(UserCommand[PolicyWritten], ask="policy_write", needs=SHELL):
    """Write the change that came before."""


# ---- phones --------------------------------------------------------------------------------------


class ListPhones(Command[PhonesReply], ask="phones", needs=Permission.TECHNICAL):
    """Return every phone with its configuration and its present registration."""


class AddPhone(UserCommand[NewPhoneAccount], ask="phone_add", needs=Permission.TECHNICAL):
    """Add a phone; this reply alone has its password."""

    name: str = ""
    label: str = ""
    group: str
    make: str = ""
    mac: str = ""


class RenewPhone(UserCommand[NewPhoneAccount], ask="phone_renew", needs=Permission.TECHNICAL):
    """Make a new password for a phone, shown once."""

    name: str = ""


class PhoneChange(UserCommand[Said]):
    """Base of changes of a phone."""

    name: str = ""


class LabelPhone(PhoneChange, ask="phone_label", needs=Permission.TECHNICAL):
    """Change a phone's label."""

    label: str = ""


class RemovePhone(PhoneChange, ask="phone_remove", needs=Permission.TECHNICAL):
    """Take a phone out of use and delete its password."""


class PutPhoneBack(PhoneChange, ask="phone_back", needs=Permission.TECHNICAL):
    """Put a phone of the configuration file back into use."""


class RingPhone(PhoneChange, ask="phone_ring", needs=Permission.TECHNICAL):
    """Have a phone ring for ten seconds, to hear that it does; calls go before."""


class ServePhones(UserCommand[Said], ask="phones_serve", needs=Permission.TECHNICAL):
    """Open the window in which phones fetch their configuration."""


class EndServing(UserCommand[Said], ask="phones_serve_end", needs=Permission.TECHNICAL):
    """Close that window."""


class LoadPasswords(Command[Said], ask="phones_renewed", needs=SHELL):
    """Load the phones' passwords again after a command line has changed them."""


# ---- settings ------------------------------------------------------------------------------------


class ListSettings(UserCommand[SettingsListReply], ask="settings_list", needs=Permission.TECHNICAL):
    """Return every setting that can be changed here, with its value in the file."""


class PreviewSettings(
    UserCommand[SettingsPreview], ask="settings_preview", needs=Permission.TECHNICAL
):
    """Return what changes would do, in words, and all their mistakes (config.editing)."""

    changes: tuple[dict[str, Any], ...]


class ChangeSettings(UserCommand[SettingsDone], ask="settings_apply", needs=Permission.TECHNICAL):
    """Apply changes of revision `base` of the file.

    On trial if `trial` is true, and always where they may cut browsers off.
    """

    changes: tuple[dict[str, Any], ...]
    base: Name
    trial: bool = False


class ConfirmSettings(
    UserCommand[SettingsDone], ask="settings_confirm", needs=Permission.TECHNICAL
):
    """Keep the change that is on trial."""


class UndoSettings(UserCommand[SettingsDone], ask="settings_undo", needs=Permission.TECHNICAL):
    """Put the file back to what it was before an entry of the history."""

    number: Number


class ListSettingsHistory(
    UserCommand[SettingsHistoryReply], ask="settings_history", needs=Permission.TECHNICAL
):
    """Return the newest changes, without the texts."""


class ReportSettings(UserCommand[Done], ask="settings_changed", needs=SHELL):
    """Audit what a command of the shell has done to the file; with `reads`, read it anew."""

    act: Name
    number: Number = 0
    reads: bool = False


class ListModems(Command[ModemsReply], ask="modems", needs=Permission.TECHNICAL):
    """Return the modems that are plugged in, without a word to any of them."""
