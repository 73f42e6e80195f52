/// The version of the library, as PULLPUSH_VERSION_STRING in the C header.
public let pullPushVersion: StaticString = "0.1.0"
