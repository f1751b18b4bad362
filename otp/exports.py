"""What users import from `otp`: the list of its names, each with where it comes from. Imported when the first is asked for."""

# ruff: noqa: PLC0414 - an alias is how a name is said to be for others too

from __future__ import annotations

from otp import events as events
from otp.child import Child as Child
from otp.errors import BlockingCallError as BlockingCallError
from otp.errors import Canceled as Canceled
from otp.errors import DuplicateNameError as DuplicateNameError
from otp.errors import IllegalSignalError as IllegalSignalError
from otp.errors import InvalidNameError as InvalidNameError
from otp.errors import NoSuchNodeError as NoSuchNodeError
from otp.errors import NotInRunnableError as NotInRunnableError
from otp.errors import NotNewError as NotNewError
from otp.errors import OtpError as OtpError
from otp.errors import StaleIncarnationError as StaleIncarnationError
from otp.errors import SystemNotRunningError as SystemNotRunningError
from otp.errors import UnexpectedReturnError as UnexpectedReturnError
from otp.facade import bind as bind
from otp.facade import canceled as canceled
from otp.facade import current as current
from otp.facade import logger as logger
from otp.facade import raw_logger as raw_logger
from otp.facade import run as run
from otp.facade import run_group as run_group
from otp.facade import signal as signal
from otp.facade import sleep as sleep
from otp.facade import sub_logger as sub_logger
from otp.facade import wait_canceled as wait_canceled
from otp.logs.entry import LogEntry as LogEntry
from otp.logs.raw import RawLogger as RawLogger
from otp.logs.tree import LogStream as LogStream
from otp.logs.tree import LogTree as LogTree
from otp.logs.writer import LogWriter as LogWriter
from otp.mail.ref import CurrentRef as CurrentRef
from otp.mail.ref import Ref as Ref
from otp.program import main as main
from otp.runnables.command import Command as Command
from otp.runnables.command import CommandError as CommandError
from otp.runnables.command import command as command
from otp.runnables.grpc_server import GrpcServer as GrpcServer
from otp.runnables.grpc_server import grpc_server as grpc_server
from otp.streams import EventStream as EventStream
from otp.system import StopReport as StopReport
from otp.system import System as System
from otp.tree.clock import Clock as Clock
from otp.tree.decision.messages import Signal as Signal
from otp.tree.decision.model import NodeState as NodeState
from otp.tree.decision.policy import BRUTAL_KILL as BRUTAL_KILL
from otp.tree.decision.policy import Backoff as Backoff
from otp.tree.decision.policy import Restart as Restart
from otp.tree.decision.policy import Strategy as Strategy
from otp.tree.snapshot import NodeSnapshot as NodeSnapshot
