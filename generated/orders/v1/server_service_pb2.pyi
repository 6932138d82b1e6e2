import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from orders.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LogLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOG_LEVEL_UNSPECIFIED: _ClassVar[LogLevel]
    LOG_LEVEL_DEBUG: _ClassVar[LogLevel]
    LOG_LEVEL_INFO: _ClassVar[LogLevel]
    LOG_LEVEL_WARNING: _ClassVar[LogLevel]
    LOG_LEVEL_ERROR: _ClassVar[LogLevel]

class SettingOrigin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SETTING_ORIGIN_UNSPECIFIED: _ClassVar[SettingOrigin]
    SETTING_ORIGIN_DEFAULT: _ClassVar[SettingOrigin]
    SETTING_ORIGIN_FILE: _ClassVar[SettingOrigin]
    SETTING_ORIGIN_ENVIRONMENT: _ClassVar[SettingOrigin]
    SETTING_ORIGIN_FLAG: _ClassVar[SettingOrigin]
LOG_LEVEL_UNSPECIFIED: LogLevel
LOG_LEVEL_DEBUG: LogLevel
LOG_LEVEL_INFO: LogLevel
LOG_LEVEL_WARNING: LogLevel
LOG_LEVEL_ERROR: LogLevel
SETTING_ORIGIN_UNSPECIFIED: SettingOrigin
SETTING_ORIGIN_DEFAULT: SettingOrigin
SETTING_ORIGIN_FILE: SettingOrigin
SETTING_ORIGIN_ENVIRONMENT: SettingOrigin
SETTING_ORIGIN_FLAG: SettingOrigin

class ServerInfo(_message.Message):
    __slots__ = ("server_id", "version", "schema_version", "start_time", "heartbeat_time", "alive", "address", "workers", "log_level", "settings", "jobs", "refused_calls", "slow_calls")
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_TIME_FIELD_NUMBER: _ClassVar[int]
    ALIVE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    LOG_LEVEL_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_CALLS_FIELD_NUMBER: _ClassVar[int]
    SLOW_CALLS_FIELD_NUMBER: _ClassVar[int]
    server_id: str
    version: str
    schema_version: str
    start_time: _timestamp_pb2.Timestamp
    heartbeat_time: _timestamp_pb2.Timestamp
    alive: bool
    address: str
    workers: int
    log_level: LogLevel
    settings: _containers.RepeatedCompositeFieldContainer[ServerSetting]
    jobs: _containers.RepeatedCompositeFieldContainer[ServerJob]
    refused_calls: _containers.RepeatedCompositeFieldContainer[RefusedCalls]
    slow_calls: _containers.RepeatedCompositeFieldContainer[SlowCall]
    def __init__(self, server_id: _Optional[str] = ..., version: _Optional[str] = ..., schema_version: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., heartbeat_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., alive: _Optional[bool] = ..., address: _Optional[str] = ..., workers: _Optional[int] = ..., log_level: _Optional[_Union[LogLevel, str]] = ..., settings: _Optional[_Iterable[_Union[ServerSetting, _Mapping]]] = ..., jobs: _Optional[_Iterable[_Union[ServerJob, _Mapping]]] = ..., refused_calls: _Optional[_Iterable[_Union[RefusedCalls, _Mapping]]] = ..., slow_calls: _Optional[_Iterable[_Union[SlowCall, _Mapping]]] = ...) -> None: ...

class ServerSetting(_message.Message):
    __slots__ = ("name", "value", "origin", "affects_prices")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    AFFECTS_PRICES_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    origin: SettingOrigin
    affects_prices: bool
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ..., origin: _Optional[_Union[SettingOrigin, str]] = ..., affects_prices: _Optional[bool] = ...) -> None: ...

class ServerJob(_message.Message):
    __slots__ = ("name", "exclusive", "interval", "holder", "last_success_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    LAST_SUCCESS_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    exclusive: bool
    interval: _duration_pb2.Duration
    holder: str
    last_success_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., exclusive: _Optional[bool] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., holder: _Optional[str] = ..., last_success_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RefusedCalls(_message.Message):
    __slots__ = ("caller", "owner", "reason", "cause", "key_id", "count", "first_time", "last_time", "method", "peer", "request_id", "message")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    caller: str
    owner: str
    reason: str
    cause: str
    key_id: str
    count: int
    first_time: _timestamp_pb2.Timestamp
    last_time: _timestamp_pb2.Timestamp
    method: str
    peer: str
    request_id: str
    message: str
    def __init__(self, caller: _Optional[str] = ..., owner: _Optional[str] = ..., reason: _Optional[str] = ..., cause: _Optional[str] = ..., key_id: _Optional[str] = ..., count: _Optional[int] = ..., first_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., method: _Optional[str] = ..., peer: _Optional[str] = ..., request_id: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class SlowCall(_message.Message):
    __slots__ = ("method", "caller", "fields", "end_time", "duration", "wait_duration", "read_duration", "decide_duration", "commit_duration", "rows", "request_id", "server_id")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    WAIT_DURATION_FIELD_NUMBER: _ClassVar[int]
    READ_DURATION_FIELD_NUMBER: _ClassVar[int]
    DECIDE_DURATION_FIELD_NUMBER: _ClassVar[int]
    COMMIT_DURATION_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    method: str
    caller: str
    fields: _containers.RepeatedScalarFieldContainer[str]
    end_time: _timestamp_pb2.Timestamp
    duration: _duration_pb2.Duration
    wait_duration: _duration_pb2.Duration
    read_duration: _duration_pb2.Duration
    decide_duration: _duration_pb2.Duration
    commit_duration: _duration_pb2.Duration
    rows: int
    request_id: str
    server_id: str
    def __init__(self, method: _Optional[str] = ..., caller: _Optional[str] = ..., fields: _Optional[_Iterable[str]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., wait_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., read_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., decide_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., commit_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., rows: _Optional[int] = ..., request_id: _Optional[str] = ..., server_id: _Optional[str] = ...) -> None: ...

class CallerInfo(_message.Message):
    __slots__ = ("subject", "owner", "roles", "scopes", "customer_id", "ignored_roles", "limits")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    IGNORED_ROLES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    subject: str
    owner: str
    roles: _containers.RepeatedScalarFieldContainer[_access_pb2.Role]
    scopes: _containers.RepeatedScalarFieldContainer[_access_pb2.Scope]
    customer_id: str
    ignored_roles: _containers.RepeatedCompositeFieldContainer[IgnoredRole]
    limits: _containers.RepeatedCompositeFieldContainer[RateLimitState]
    def __init__(self, subject: _Optional[str] = ..., owner: _Optional[str] = ..., roles: _Optional[_Iterable[_Union[_access_pb2.Role, str]]] = ..., scopes: _Optional[_Iterable[_Union[_access_pb2.Scope, str]]] = ..., customer_id: _Optional[str] = ..., ignored_roles: _Optional[_Iterable[_Union[IgnoredRole, _Mapping]]] = ..., limits: _Optional[_Iterable[_Union[RateLimitState, _Mapping]]] = ...) -> None: ...

class IgnoredRole(_message.Message):
    __slots__ = ("role", "cause", "description")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    role: str
    cause: str
    description: str
    def __init__(self, role: _Optional[str] = ..., cause: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class RateLimitState(_message.Message):
    __slots__ = ("method_class", "rate", "remaining", "block_end_time")
    METHOD_CLASS_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    BLOCK_END_TIME_FIELD_NUMBER: _ClassVar[int]
    method_class: _access_pb2.MethodClass
    rate: float
    remaining: int
    block_end_time: _timestamp_pb2.Timestamp
    def __init__(self, method_class: _Optional[_Union[_access_pb2.MethodClass, str]] = ..., rate: _Optional[float] = ..., remaining: _Optional[int] = ..., block_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LogLevelOverride(_message.Message):
    __slots__ = ("level", "expire_time")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    level: LogLevel
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, level: _Optional[_Union[LogLevel, str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ServerWarning(_message.Message):
    __slots__ = ("subject", "description", "values")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    subject: str
    description: str
    values: _containers.RepeatedCompositeFieldContainer[ServerValue]
    def __init__(self, subject: _Optional[str] = ..., description: _Optional[str] = ..., values: _Optional[_Iterable[_Union[ServerValue, _Mapping]]] = ...) -> None: ...

class ServerValue(_message.Message):
    __slots__ = ("value", "server_ids")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SERVER_IDS_FIELD_NUMBER: _ClassVar[int]
    value: str
    server_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, value: _Optional[str] = ..., server_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListServersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListServersResponse(_message.Message):
    __slots__ = ("servers", "warnings")
    SERVERS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    servers: _containers.RepeatedCompositeFieldContainer[ServerInfo]
    warnings: _containers.RepeatedCompositeFieldContainer[ServerWarning]
    def __init__(self, servers: _Optional[_Iterable[_Union[ServerInfo, _Mapping]]] = ..., warnings: _Optional[_Iterable[_Union[ServerWarning, _Mapping]]] = ...) -> None: ...

class ListRefusedCallsRequest(_message.Message):
    __slots__ = ("caller", "reason")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    caller: str
    reason: str
    def __init__(self, caller: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ListRefusedCallsResponse(_message.Message):
    __slots__ = ("refused_calls",)
    REFUSED_CALLS_FIELD_NUMBER: _ClassVar[int]
    refused_calls: _containers.RepeatedCompositeFieldContainer[RefusedCalls]
    def __init__(self, refused_calls: _Optional[_Iterable[_Union[RefusedCalls, _Mapping]]] = ...) -> None: ...

class ListSlowCallsRequest(_message.Message):
    __slots__ = ("caller", "method")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    caller: str
    method: str
    def __init__(self, caller: _Optional[str] = ..., method: _Optional[str] = ...) -> None: ...

class ListSlowCallsResponse(_message.Message):
    __slots__ = ("slow_calls",)
    SLOW_CALLS_FIELD_NUMBER: _ClassVar[int]
    slow_calls: _containers.RepeatedCompositeFieldContainer[SlowCall]
    def __init__(self, slow_calls: _Optional[_Iterable[_Union[SlowCall, _Mapping]]] = ...) -> None: ...

class WhoAmIRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetLogLevelRequest(_message.Message):
    __slots__ = ("level", "duration", "request_id", "validate_only")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    level: LogLevel
    duration: _duration_pb2.Duration
    request_id: str
    validate_only: bool
    def __init__(self, level: _Optional[_Union[LogLevel, str]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...
