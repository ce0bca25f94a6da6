"""A connection to Qdrant: stubs that work on any event loop, opened on first use, closed once."""

from __future__ import annotations

from pathlib import Path

import grpc.aio
from pydantic import SecretStr

from langchain_qdrant_async.errors import InvalidInput, QdrantStoreError
from langchain_qdrant_async.proto import CollectionsStub, PointsStub, QdrantStub, SnapshotsStub
from langchain_qdrant_async.runtime.blocking import closing
from langchain_qdrant_async.runtime.closing import Closing
from langchain_qdrant_async.runtime.ending import has_begun
from langchain_qdrant_async.transport.channels import Channels, Dial, Dialler, Place, Server, channel_options, dial_of
from langchain_qdrant_async.transport.engine import EngineUser
from langchain_qdrant_async.transport.funnel import Channel, Peer
from langchain_qdrant_async.transport.policy import Policy
from langchain_qdrant_async.transport.target import Embedded, Remote, Target, target_of


class Connection(Closing):
    """One Qdrant, for any number of stores, threads and event loops.

    The constructor does no I/O. A gRPC channel works only on the loop that opened it, so there is one for each loop
    that uses the connection; each closes with its loop, and all of them with `aclose()` or `close()`.

    Attributes:
        target: where Qdrant is, a `Remote` or an `Embedded`.
        policy: deadlines and retries.
        points: stubs of the Points service, through the funnel: `await connection.points.Query(request, timeout=5)`.
        collections: the same of the Collections service.
        snapshots: the same of the Snapshots service.
        service: the same of the Qdrant service, `HealthCheck`.
        tenant_indexes: collections and payload keys for which a scoped store has made the index of tenants.
    """

    def __init__(
        self,
        target: Target,
        *,
        api_key: str | SecretStr | None = None,
        policy: Policy | None = None,
        dial: Dial | None = None,
    ) -> None:
        """Say where Qdrant is.

        Args:
            target: a `Remote`, an `Embedded`, or a string: a URL, `":memory:"`, or a folder, which may be a `Path`.
            api_key: with a URL only; a `Remote` has its own.
            policy: deadlines and retries.
            dial: makes the channels in our stead, with interceptors, other credentials or through a proxy. It is given
                what gRPC connects to, `host:port` or `unix:/…`, and the channel options that we would use, and returns
                a channel of `grpc.aio`; it is called on the running loop, once for each loop. The channel is ours to
                close, and what `dial` raises reaches the caller.

        Raises:
            InvalidInput: the target cannot be understood, or `dial` cannot be called.
        """
        self.target = _understood(target, api_key)
        self.policy = policy or Policy()
        self._dial = _checked_dial(dial)
        self._place = _place_of(self.target)
        dialler = Dialler(self._dial or dial_of(self.target), channel_options(self.target, self.policy))
        self._channels = Channels(self.address, self._place, dialler)
        channel = Channel(Peer(self.address, self.policy, _credentials(self.target)), self._channels)
        self.tenant_indexes: set[tuple[str, str]] = set()
        self.points = PointsStub(channel)
        self.collections = CollectionsStub(channel)
        self.snapshots = SnapshotsStub(channel)
        self.service = QdrantStub(channel)

    @property
    def address(self) -> str:
        """Where Qdrant is, for people: `host:port` or the engine's folder."""
        return self.target.target if isinstance(self.target, Remote) else f"embedded engine {str(self.target.path)!r}"

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._channels.closed

    def __repr__(self) -> str:
        return f"Connection({self.target!r}{', closed' * self.closed})"

    def __deepcopy__(self, memo: dict[int, object]) -> Connection:
        return _made_anew(self.target, self.policy, self._dial)

    def __reduce__(self) -> tuple[object, ...]:
        """Its settings: what is unpickled, perhaps in another process, opens channels of its own.

        Raises:
            QdrantStoreError: there is an API key, or are headers, which would stand in the pickle in the clear.
        """
        if isinstance(self.target, Remote) and (self.target.api_key is not None or self.target.headers):
            raise QdrantStoreError(
                f"the connection to {self.address} has an API key or headers, which a pickle would hold in the clear: "
                "make the connection where it is used, with what is secret from there"
            )
        return _made_anew, (self.target, self.policy, self._dial)

    async def located(self) -> str:
        """What gRPC connects to, `host:port` or `unix:/…`; an embedded engine is started, or joined, for it."""
        return self._place.target or await self._place.found()

    async def aclose(self) -> None:
        """Close the channels of every loop, and leave the embedded engine. Closing twice does nothing more.

        An embedded engine that loses its last user here has everything on disk when this returns.
        """
        if not has_begun():  # else all is closed
            await self._channels.close()
            await self._place.leave()

    @closing(aclose)
    def close(self) -> None:
        """Blocking twin of `aclose`."""


def _made_anew(target: Remote | Embedded, policy: Policy, dial: Dial | None) -> Connection:
    return Connection(target, policy=policy, dial=dial)


def _understood(target: Target, api_key: str | SecretStr | None) -> Remote | Embedded:
    if isinstance(target, str | Path):
        return target_of(target, api_key=api_key)
    if api_key is not None:
        raise InvalidInput("give the api_key to Remote(...); Connection takes one only beside a URL")
    if not isinstance(target, Remote | Embedded):
        raise InvalidInput(f"a connection needs a Remote, an Embedded or a string, not {type(target).__name__}")
    return target


def _place_of(target: Remote | Embedded) -> Place:
    return EngineUser(target) if isinstance(target, Embedded) else Server(target.target)


def _checked_dial(dial: Dial | None) -> Dial | None:
    if dial is not None and not callable(dial):
        raise InvalidInput(f"dial must be a function that makes a channel of grpc.aio, not {type(dial).__name__}")
    return dial


def _credentials(target: Remote | Embedded) -> grpc.aio.Metadata | None:
    if not isinstance(target, Remote):
        return None
    sent = dict(target.headers)
    if target.api_key is not None:
        assert isinstance(target.api_key, SecretStr)  # noqa: S101  Remote keeps it so
        sent["api-key"] = target.api_key.get_secret_value()
    return grpc.aio.Metadata(*sent.items()) if sent else None
