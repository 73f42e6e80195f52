import CSystem

/// The product of two sizes, or 2⁶⁰, which is more than any memory holds; a few of such can be added up.
@inline(never)
func sizeProduct(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? 1 << 60 : min(product, 1 << 60)
}

/// Memory for one call, given back all at once. Small requests share a block.
///
/// A block as large as all that a call took stays for the next one: asking the system for the same pages again and again
/// takes longer than a small batch does.
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
        guard var kept = newest else { return }
        if var block = header(kept).pointee.next {
            var total = header(kept).pointee.size
            CSystem.free(kept)
            while true {
                let next = header(block).pointee.next
                total += header(block).pointee.size
                CSystem.free(block)
                guard let next else { break }
                block = next
            }
            guard total <= largestSpare, let whole = makeBlock(total) else { return }
            kept = whole
        }
        // Another call may have left a block meanwhile.
        if header(kept).pointee.size > largestSpare {
            CSystem.free(kept)
        } else if let other = exchangeSpare(kept) {
            CSystem.free(other)
        }
    }

    private static func makeBlock(_ size: Int) -> UnsafeMutableRawPointer? {
        guard let block = aligned_alloc(alignment, size) else { return nil }
        block.assumingMemoryBound(to: Header.self).initialize(to: Header(next: nil, size: size))
        return block
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
        let (size, overflow) = bytes.addingReportingOverflow(Self.alignment - 1 + Int(csystem_distance()))
        let rounded = overflow ? Int.max : size & ~(Self.alignment - 1)
        if rounded > remaining { return try allocateFromNewBlock(bytes, rounded) }
        return take(bytes, rounded)
    }

    private mutating func take(_ bytes: Int, _ rounded: Int) -> UnsafeMutableRawPointer {
        let result = free.unsafelyUnwrapped
        csystem_allow(result, Int64(bytes))
        free = result + rounded
        remaining -= rounded
        return result
    }

    @inline(never)
    private mutating func allocateFromNewBlock(
        _ bytes: Int, _ rounded: Int
    ) throws(PullPushError) -> UnsafeMutableRawPointer {
        try addBlock(holding: rounded)
        return take(bytes, rounded)
    }

    /// For types whose values need no clean-up.
    mutating func allocate<T>(_ count: Int, of _: T.Type) throws(PullPushError) -> UnsafeMutablePointer<T> {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
        return try allocate(bytes: overflow ? Int.max : bytes).assumingMemoryBound(to: T.self)
    }

    private mutating func addBlock(holding bytes: Int) throws(PullPushError) {
        let (size, overflow) = max(bytes, Self.smallestBlock).addingReportingOverflow(Self.alignment)
        var found = newest == nil ? Self.exchangeSpare(nil) : nil
        if let spare = found, Self.header(spare).pointee.size < size {
            CSystem.free(spare)
            found = nil
        }
        if found == nil && !overflow { found = Self.makeBlock(size) }
        guard let block = found else { throw Self.failure(bytes) }
        Self.header(block).pointee.next = newest
        newest = block
        free = block + Self.alignment
        remaining = Self.header(block).pointee.size - Self.alignment
        csystem_forbid(block + Self.alignment, Int64(remaining))
    }

    private static func failure(_ bytes: Int) -> PullPushError {
        PullPushError(.memory, "scratch memory", .bytes(bytes), expected: "room for them; a smaller batch needs less")
    }
}
