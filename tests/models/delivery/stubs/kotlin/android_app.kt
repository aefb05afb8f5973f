// What the delivered sources use of android.app.
package android.app

import android.content.Context
import android.content.res.AssetManager
import java.io.File

open class Application : Context() {
    override val noBackupFilesDir: File get() = TODO()
    override val assets: AssetManager get() = TODO()
}

class Instrumentation {
    val context: Context get() = TODO()
    val targetContext: Context get() = TODO()
}
