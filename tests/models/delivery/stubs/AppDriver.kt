// An app's life with the delivered class, on a JVM: what it does wrong ends the process.
package mobilesr

import android.content.Context
import android.content.res.AssetManager
import android.graphics.Bitmap
import java.io.DataInputStream
import java.io.DataOutputStream
import java.io.File
import java.io.IOException
import java.util.concurrent.CancellationException
import java.util.concurrent.ExecutionException
import kotlin.concurrent.thread
import org.pytorch.executorch.DType
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor

class App(folder: File, assetFolder: File) : Context() {
    override val noBackupFilesDir = File(folder, "no_backup")
    override val assets = AssetManager(assetFolder)
}

inline fun <reified T : Throwable> fails(words: String, block: () -> Unit) {
    try {
        block()
    } catch (error: Throwable) {
        val found = if (error is ExecutionException) requireNotNull(error.cause) else error
        check(found is T && words in found.message.orEmpty()) { "instead of '$words': $found" }
        return
    }
    error("no failure: $words")
}

fun main(args: Array<String>) {
    val (assets, folder, picture, answer) = args.map { File(it) }
    val app = App(folder, assets)
    // This is the thread called main.
    fails<IllegalStateException>("load takes long: call it on a worker thread") {
        SuperResolution.load(app)
    }
    val standIn =
        StandIn(ModelContract.LR_HEIGHT, ModelContract.LR_WIDTH, ModelContract.SCALE)
    Module.network = {
        check(it.shape().contentEquals(ModelContract.inputShape())) { "a tile of another shape" }
        tensorOf(standIn.run(TileFormat.read(it)), ModelContract.outputShape())
    }
    var failure: Throwable? = null
    val worker = thread(name = "worker") {
        try {
            live(app, folder, picture, answer)
        } catch (error: Throwable) {
            failure = error
        }
    }
    worker.join()
    failure?.let { throw it }
    println("all went well")
}

private fun live(app: App, folder: File, picture: File, answer: File) {
    val network = SuperResolution.load(app)
    val kept = File(app.noBackupFilesDir, "mobilesr")
    check(kept.list().orEmpty().toList() == listOf("${ModelContract.MODEL_SHA256}.pte"))
    val bitmap = read(picture)
    val result = network.upscale(bitmap, 0x205090)
    check(pixels(network.upscale(bitmap.copy(Bitmap.Config.HARDWARE, false)!!, 0x205090))
        .contentEquals(pixels(result)))
    val told = ArrayList<Int>()
    val again = network.submit(bitmap, 0x205090) { done, _ -> told.add(done) }.get()
    check(pixels(again).contentEquals(pixels(result)) && told == (1..told.size).toList())
    DataOutputStream(answer.outputStream().buffered()).use { pixels(result).forEach(it::writeInt) }
    fails<IllegalArgumentException>("numbers, not 5") { network.runTile(TileFormat.allocate(5)) }

    // What stops in the middle leaves no bitmap behind.
    val before = Bitmap.made.size
    fails<CancellationException>("stopped") {
        network.upscale(bitmap) { done, _ -> if (done == 2) Thread.currentThread().interrupt() }
    }
    fails<IOException>("the disk is full") {
        network.upscale(bitmap) { _, _ -> throw IOException("the disk is full") }
    }
    fails<CancellationException>("stopped") { network.submit(bitmap) { _, _ -> network.close() }.get() }
    check(Bitmap.made.drop(before).all { it.isRecycled } && !bitmap.isRecycled)
    network.close()
    fails<CancellationException>("is closed") { network.upscale(bitmap) }
    val deadline = System.nanoTime() + 30_000_000_000
    while (Module.destroyedCount < 1) check(System.nanoTime() < deadline) { "never destroyed" }

    // A copy that is there is used; a model of another delivery is refused, and not kept.
    SuperResolution.load(App(folder, File("nowhere"))).close()
    val other = File(folder, "other")
    File(other, "mobilesr").mkdirs()
    File(other, "mobilesr/model.pte").writeText("another model")
    fails<IOException>("is not the model of ModelContract.kt") {
        SuperResolution.load(App(other, other))
    }
    check(File(other, "no_backup/mobilesr").list().orEmpty().isEmpty())
    SuperResolution.load(app).use { wrong ->
        Module.network = { tensorOf(TileFormat.allocate(4), longArrayOf(1, 4)) }
        fails<IllegalStateException>("the network gives [1, 4] instead of") { wrong.upscale(bitmap) }
        val ofFloats = TileFormat.dtype == DType.FLOAT
        Module.network = {
            if (ofFloats) Tensor.fromBlobUnsigned(Tensor.allocateByteBuffer(4), longArrayOf(4))
            else Tensor.fromBlob(Tensor.allocateFloatBuffer(4), longArrayOf(4))
        }
        fails<IllegalStateException>("this class reads ${TileFormat.NAME}: deliver it again") {
            wrong.upscale(bitmap)
        }
    }
}

private fun tensorOf(tile: Tile, shape: LongArray): Tensor {
    val buffer = TileFormat.buffer(tile.size)
    buffer.put(tile)
    return TileFormat.tensor(buffer, shape)
}

private fun read(file: File): Bitmap = DataInputStream(file.inputStream().buffered()).use {
    val height = it.readInt()
    val width = it.readInt()
    val bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
    val pixels = IntArray(width * height) { _ -> it.readInt() }
    bitmap.setPixels(pixels, 0, width, 0, 0, width, height)
    bitmap
}

private fun pixels(bitmap: Bitmap): IntArray = IntArray(bitmap.width * bitmap.height).also {
    bitmap.getPixels(it, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
}
