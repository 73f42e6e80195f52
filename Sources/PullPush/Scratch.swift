import CSystem

/// Memory for one call, given back all at once. Small requests share a block; the first one is the process's own, if no
/// other call has it.
struct Scratch: ~Copyable {
    /// The newest block; the first word of a block points to the one before.
    private var newest: UnsafeMutableRawPointer?
    private var free: UnsafeMutableRawPointer?
    private var remaining = 0

    private static var alignment: Int { 64 }
    private static var blockSize: Int { 8192 }

    /// 1 while a call has the process's own block, which spares most calls the allocator.
    nonisolated(unsafe) private static var taken: Int64 = 0
    private let hasOwnBlock: Bool

    init() {
        hasOwnBlock = csystem_exchange(&Self.taken, 1) == 0
        if hasOwnBlock {
            free = csystem_own_block()
            remaining = Int(CSYSTEM_OWN_BLOCK)
        }
    }

    deinit {
        Self.release(newest)
        if hasOwnBlock { _ = csystem_exchange(&Self.taken, 0) }
    }

    // Never inlined: it is called on every path out of a call, of which there are many.
    @inline(never)
    private static func release(_ newest: UnsafeMutableRawPointer?) {
        var block = newest
        while let current = block {
            block = current.load(as: UnsafeMutableRawPointer?.self)
            CSystem.free(current)
        }
    }

    /// Aligned to a cache line, not initialised.
    @inline(never)
    mutating func allocate(bytes: Int) throws(PullPushError) -> UnsafeMutableRawPointer {
        let (size, overflow) = bytes.addingReportingOverflow(Self.alignment - 1)
        let rounded = overflow ? Int.max : size & ~(Self.alignment - 1)
        if rounded > remaining { try addBlock(holding: rounded) }
        guard let result = free else { throw Self.failure(bytes) }
        free = result + rounded
        remaining -= rounded
        return result
    }

    /// For types whose values need no clean-up.
    mutating func allocate<T>(_ count: Int, of _: T.Type) throws(PullPushError) -> UnsafeMutablePointer<T> {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
        return try allocate(bytes: overflow ? Int.max : bytes).assumingMemoryBound(to: T.self)
    }

    @inline(never)
    private mutating func addBlock(holding bytes: Int) throws(PullPushError) {
        let (size, overflow) = max(bytes, Self.blockSize).addingReportingOverflow(Self.alignment)
        guard !overflow, let block = aligned_alloc(Self.alignment, size) else { throw Self.failure(bytes) }
        block.storeBytes(of: newest, as: UnsafeMutableRawPointer?.self)
        newest = block
        free = block + Self.alignment
        remaining = size - Self.alignment
    }

    private static func failure(_ bytes: Int) -> PullPushError {
        PullPushError(.memory, "scratch memory", .bytes(bytes), expected: "room for them; a smaller batch needs less")
    }
}
