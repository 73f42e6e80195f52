import CSystem

/// Memory for one call, given back all at once. Small requests share a block.
///
/// The largest block of a call that has ended stays for the next one: asking the system for the same pages again and again
/// takes longer than small batches do.
struct Scratch: ~Copyable {
    /// Stands at the start of a block.
    private struct Header {
        /// The block before.
        var next: UnsafeMutableRawPointer?
        var size: Int
    }

    private var newest: UnsafeMutableRawPointer?
    private var free: UnsafeMutableRawPointer?
    private var remaining = 0
    private var total = 0

    private static var alignment: Int { 64 }
    private static var smallestBlock: Int { 8192 }
    /// No block beyond this stays.
    private static var largestSpare: Int { 4_194_304 }
    /// The address of the block that stays, or 0 while a call has it or there is none.
    nonisolated(unsafe) private static var spare: Int64 = 0

    init() {}

    deinit { Self.release(newest) }

    // Never inlined: it is called on every path out of a call, of which there are many.
    @inline(never)
    private static func release(_ newest: UnsafeMutableRawPointer?) {
        var block = newest
        while let current = block {
            block = header(current).pointee.next
            keepOrFree(current)
        }
    }

    /// Of the block and the one that stays, the larger stays.
    private static func keepOrFree(_ block: UnsafeMutableRawPointer) {
        var block = block
        if header(block).pointee.size <= largestSpare {
            if let spare = exchangeSpare(nil) {
                let isLarger = header(spare).pointee.size > header(block).pointee.size
                CSystem.free(isLarger ? block : spare)
                block = isLarger ? spare : block
            }
            guard let other = exchangeSpare(block) else { return }
            block = other
        }
        CSystem.free(block)
    }

    private static func exchangeSpare(_ block: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: Int(csystem_exchange(&spare, Int64(Int(bitPattern: block)))))
    }

    private static func header(_ block: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Header> {
        block.assumingMemoryBound(to: Header.self)
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
        // As large as all before, so that one block comes to hold most of what such a call needs.
        let (size, overflow) = max(bytes, Self.smallestBlock, min(total, Self.largestSpare / 2))
            .addingReportingOverflow(Self.alignment)
        var found = newest == nil ? Self.exchangeSpare(nil) : nil
        if let spare = found, Self.header(spare).pointee.size < size {
            CSystem.free(spare)
            found = nil
        }
        if found == nil && !overflow {
            found = aligned_alloc(Self.alignment, size)
            if let found { Self.header(found).pointee.size = size }
        }
        guard let block = found else { throw Self.failure(bytes) }
        Self.header(block).pointee.next = newest
        newest = block
        free = block + Self.alignment
        remaining = Self.header(block).pointee.size - Self.alignment
        total += remaining
    }

    private static func failure(_ bytes: Int) -> PullPushError {
        PullPushError(.memory, "scratch memory", .bytes(bytes), expected: "room for them; a smaller batch needs less")
    }
}
