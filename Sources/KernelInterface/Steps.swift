/// `start`, `start + step` and so on below `end`, like the standard library's `stride`, which takes code in every loop for
/// a sum beyond the integers. Here the caller sees to it that there is none.
public struct Steps: Sequence, IteratorProtocol {
    @usableFromInline var following: Int
    @usableFromInline let end: Int
    @usableFromInline let step: Int

    @inlinable
    @inline(__always)
    public init(from start: Int = 0, to end: Int, by step: Int) {
        following = start
        self.end = end
        self.step = step
    }

    @inlinable
    @inline(__always)
    public mutating func next() -> Int? {
        guard following < end else { return nil }
        defer { following &+= step }
        return following
    }
}
