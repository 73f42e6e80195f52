import CPullPush
import PullPush

private func text(_ text: StaticString) -> UnsafePointer<CChar> { text.cString }

@_cdecl("pullpush_version") @implementation
public func pullpush_version() -> UInt32 { UInt32(PULLPUSH_VERSION) }

@_cdecl("pullpush_version_string") @implementation
public func pullpush_version_string() -> UnsafePointer<CChar>! { pullPushVersion.cString }

@_cdecl("pullpush_isa") @implementation
public func pullpush_isa() -> UnsafePointer<CChar>! { InstructionSet.current.name.cString }

@_cdecl("pullpush_set_max_threads") @implementation
public func pullpush_set_max_threads(_ max_threads: Int32) -> Int32 { Int32(Threads.setMaximum(Int(max_threads))) }

@_cdecl("pullpush_status_string") @implementation
public func pullpush_status_string(_ status: Int32) -> UnsafePointer<CChar>! {
    if status == Int32(PULLPUSH_OK) { return text("success") }
    guard let code = PullPushError.Code(rawValue: status) else { return text("unknown status") }
    switch code {
    case .null: return text("a required pointer is NULL")
    case .structSize: return text("struct_size does not fit this version of the library")
    case .dtype: return text("unknown dtype")
    case .size: return text("rows, dim or samples_per_id is out of range")
    case .stride: return text("a row stride is smaller than dim")
    case .alignment: return text("a buffer is not aligned to its element")
    case .overlap: return text("the gradient overlaps another buffer")
    case .option: return text("an option is out of range or meaningless with another")
    case .notFinite: return text("the features hold a NaN or an infinity")
    case .statistics: return text("the statistics do not fit the batch and the options")
    case .memory: return text("scratch memory could not be allocated")
    }
}
