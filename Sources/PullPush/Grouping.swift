import CSystem
import KernelInterface

extension Batch {
    /// The rows, identity after identity, in the order in which identities first appear; in scratch.
    ///
    /// Complexity: O(1) for a P×K batch; O(rows) time and scratch for labels.
    func grouped(
        _ normalization: Normalization, _ scratch: inout Scratch
    ) throws(PullPushError) -> UnsafePointer<Rows> {
        switch identities {
        case .samplesPerId(let count):
            return try contiguous(samplesPerId: count, normalization, &scratch)
        case .labels(let labels):
            return try grouped(by: labels, normalization, &scratch)
        }
    }

    private func contiguous(
        samplesPerId count: Int, _ normalization: Normalization, _ scratch: inout Scratch
    ) throws(PullPushError) -> UnsafePointer<Rows> {
        let order = try scratch.allocate(count, of: Int.self)
        for a in 0..<count { order[a] = a }
        return try makeRows(
            identityCount: rows / count, order: order, offsets: nil, samplesPerId: count, largest: count,
            normalization, &scratch)
    }

    private func makeRows(
        identityCount: Int, order: UnsafePointer<Int>, offsets: UnsafePointer<Int>?, samplesPerId: Int, largest: Int,
        _ normalization: Normalization, _ scratch: inout Scratch
    ) throws(PullPushError) -> UnsafePointer<Rows> {
        let grouped = try scratch.allocate(1, of: Rows.self)
        grouped.initialize(
            to: Rows(
                features: features, element: element, stride: rowStride, count: rows, dim: dim,
                identityCount: identityCount, order: order, offsets: offsets, samplesPerId: samplesPerId,
                largestIdentity: largest, normalization: normalization))
        return UnsafePointer(grouped)
    }

    private func grouped(
        by labels: UnsafePointer<Int64>, _ normalization: Normalization, _ scratch: inout Scratch
    ) throws(PullPushError) -> UnsafePointer<Rows> {
        let identityOfRow = try scratch.allocate(rows, of: UInt32.self)
        let offsets = try scratch.allocate(rows + 1, of: Int.self)
        let (identityCount, isContiguous) = try number(labels, identityOfRow, counts: offsets + 1, &scratch)

        // Turn the counts into where identities start, one place further on.
        offsets[0] = 0
        var smallest = rows
        var largest = 0
        var start = 0
        for c in 0..<identityCount {
            let count = offsets[c + 1]
            smallest = min(smallest, count)
            largest = max(largest, count)
            offsets[c + 1] = start
            start += count
        }
        if isContiguous && smallest == largest {
            return try contiguous(samplesPerId: largest, normalization, &scratch)
        }
        let order = try scratch.allocate(rows, of: Int.self)
        for r in 0..<rows {
            // Row after row, an identity's start becomes its end, which is where the next one starts.
            let identity = Int(identityOfRow[r])
            order[offsets[identity + 1]] = r
            offsets[identity + 1] += 1
        }
        return try makeRows(
            identityCount: identityCount, order: order, offsets: offsets, samplesPerId: 0, largest: largest,
            normalization, &scratch)
    }

    /// Numbers the identities in the order in which they first appear, through an open-addressing hash table.
    ///
    /// - Parameter counts: room for as many numbers as there are rows; receives the rows of every identity
    /// - Returns: the number of identities, and whether the rows of each stand together.
    private func number(
        _ labels: UnsafePointer<Int64>, _ identityOfRow: UnsafeMutablePointer<UInt32>,
        counts: UnsafeMutablePointer<Int>, _ scratch: inout Scratch
    ) throws(PullPushError) -> (count: Int, isContiguous: Bool) {
        var bits = 4
        while 1 << bits < 2 * rows { bits += 1 }
        // The first row of an identity, plus 1, which is below 2³² as rows are; 0 where the slot is free.
        let table = try scratch.allocate(1 << bits, of: UInt32.self)
        memset(table, 0, MemoryLayout<UInt32>.stride << bits)
        let mask = 1 << bits - 1
        var count = 0
        var isContiguous = true
        var identity = 0
        var previous = ~labels[0]
        for r in 0..<rows {
            let label = labels[r]
            if label != previous {
                previous = label
                // Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4) by 2⁶⁴ over the golden ratio.
                var slot = Int((UInt64(bitPattern: label) &* 0x9E37_79B9_7F4A_7C15) &>> UInt64(64 - bits))
                while table[slot] != 0 && labels[Int(table[slot]) - 1] != label { slot = (slot + 1) & mask }
                if table[slot] == 0 {
                    table[slot] = UInt32(truncatingIfNeeded: r + 1)
                    identity = count
                    counts[identity] = 0
                    count += 1
                } else {
                    identity = Int(identityOfRow[Int(table[slot]) - 1])
                    isContiguous = false
                }
            }
            identityOfRow[r] = UInt32(truncatingIfNeeded: identity)
            counts[identity] += 1
        }
        return (count, isContiguous)
    }
}
